"""Reading a project from the forge with the job's token: trees, single blobs, archives.

GitLab REST v4, documented endpoints only (docs.gitlab.com/api/repositories).
"""

from __future__ import annotations

import http.client
import urllib.parse
from typing import Any, Callable, Iterator, List, NamedTuple, Tuple

from mlreef_epf import errors, web


class Blob(NamedTuple):
    """One file of a commit: its path in the repository, git blob id and mode."""

    path: str
    oid: str
    mode: str


class TooMany(errors.Failure):
    """A commit has more files than may be fetched."""

    def __init__(self, most: int) -> None:
        super().__init__("the commit has more than %d files" % most)


class Project:
    """One project of the forge, as this job may see it."""

    def __init__(self, client: web.Client, url: str, project_id: Any, job_token: str) -> None:
        self._client = client
        self._base = "%s/api/v4/projects/%s/repository" % (url.rstrip("/"), project_id)
        self._headers = {"JOB-TOKEN": job_token}

    def list_files(self, commit: str, path: str, most: int = 0) -> Tuple[List[Blob], List[str]]:
        """Every regular file at or below a path of a commit, and the paths that are links or submodules.

        Raises TooMany as soon as there are more than `most` names (0: any number).
        """
        path = path.strip("/")
        rows = self._tree(commit, path, recursive=True, most=most)
        if not rows and path:
            parent, _, name = path.rpartition("/")
            rows = [row for row in self._tree(commit, parent, recursive=False) if row["name"] == name]
            rows = [row for row in rows if row["type"] == "blob"]
        files = [Blob(r["path"], r["id"], r["mode"]) for r in rows if r["type"] == "blob" and r["mode"] != "120000"]
        odd = [r["path"] for r in rows if r["type"] == "commit" or r["mode"] == "120000"]
        if most and len(files) > most:
            raise TooMany(most)
        return files, odd

    def _tree(self, commit: str, path: str, recursive: bool, most: int = 0) -> List[Any]:
        query = {"ref": commit, "per_page": "100", "pagination": "keyset", "recursive": str(recursive).lower()}
        if path:
            query["path"] = path
        url = "%s/tree?%s" % (self._base, urllib.parse.urlencode(query))
        rows = []
        while url:
            answer = self._client.request("GET", url, headers=self._headers, allow=(404,))
            if answer.status == 404:
                return []
            rows.extend(answer.json())
            if most and len(rows) > 2 * most:  # folders have names, too
                raise TooMany(most)
            url = _next(answer.headers.get("Link", ""))
        return rows

    def fetch_blob(self, oid: str, receive: Callable[..., Any]) -> Any:
        """Stream one blob's raw content to receive(size, pieces)."""

        def read(response: http.client.HTTPResponse) -> Any:
            length = response.headers.get("Content-Length")
            if length is None:
                content = response.read()
                return receive(len(content), [content])
            return receive(int(length), iter(lambda: response.read(web.CHUNK), b""))

        return self._client.download("%s/blobs/%s/raw" % (self._base, oid), read, headers=self._headers)

    def iter_archive(self, commit: str, path: str, receive: Callable[..., Any]) -> None:
        """Stream the archive of a path: receive(path in the repository, size, pieces) per regular file."""
        query = {"sha": commit, "include_lfs_blobs": "false"}
        if path:
            query["path"] = path
        url = "%s/archive.tar?%s" % (self._base, urllib.parse.urlencode(query))

        import tarfile  # most steps need no archive, and every step waits for what is imported

        def read(response: http.client.HTTPResponse) -> Any:
            try:
                with tarfile.open(fileobj=response, mode="r|", bufsize=web.CHUNK) as archive:
                    for member in archive:
                        name = member.name.partition("/")[2]
                        if member.isreg() and name:
                            stream = archive.extractfile(member)
                            receive(name, member.size, _pieces(stream))
            except (tarfile.TarError, EOFError, ValueError) as exc:
                raise OSError("the archive ended early: %s" % exc) from exc

        self._client.download(url, read, headers=self._headers)


def safe_path(path: str) -> str:
    """The path itself when it stays inside its directory; refuses anything else."""
    parts = path.split("/")
    if not path or "\0" in path or any(part in ("", ".", "..") for part in parts):
        raise errors.InputUnavailable("the file name %r is not a plain relative path" % path)
    return path


def _pieces(stream: Any) -> Iterator[bytes]:
    return iter(lambda: stream.read(web.CHUNK), b"")


def _next(link: str) -> str:
    for part in link.split(","):
        target, _, rest = part.partition(";")
        if 'rel="next"' in rest:
            return target.strip().strip("<>")
    return ""
