"""Putting a step's inputs in place: list what is wanted, take what the cache has, fetch only the rest.

Git inputs are listed by commit and path and fetched as one archive when many files are missing, else blob by blob;
LFS pointers are replaced by their objects. Manifest inputs are LFS objects throughout. Everything is verified by
hash on its way into the job, and written read-only.
"""

from __future__ import annotations

import concurrent.futures
import os
import posixpath
from typing import Any, Callable, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from mlreef_epf import cache, errors, forge, lfs, log, management, web

ARCHIVE_FROM = 40
FOREIGN_MAX = 32 << 20
PARALLEL = 8


class Wanted(NamedTuple):
    """One file to place: where (relative), which object, which mode."""

    path: str
    kind: str
    oid: str
    size: int
    mode: str


class Fetcher:
    """Fetches inputs for one job."""

    def __init__(
        self,
        client: web.Client,
        spec_forge: Mapping[str, Any],
        job_token: str,
        held: cache.Cache,
        job: Optional[management.Job],
    ) -> None:
        self._client, self._forge, self._token, self._cache, self._job = client, spec_forge, job_token, held, job
        self._lfs = lfs.Store(client, spec_forge["lfs_url"], job_token)

    def fetch(self, source: Mapping[str, Any], target: str) -> Tuple[int, int]:
        """Place one input source into a directory; returns (files, bytes)."""
        os.makedirs(target, exist_ok=True)
        try:
            if source["type"] == "git":
                return self._fetch_git(source, target)
            if source["type"] == "manifest":
                return self._fetch_manifest(source, target)
        except web.HttpError as exc:
            if exc.status in (400, 401, 403, 404, 410):
                raise errors.InputUnavailable("the input cannot be read: %s" % exc.message) from exc
            raise
        raise errors.Failure("this EPF does not know inputs of type %r" % source["type"])

    def _fetch_git(self, source: Mapping[str, Any], target: str) -> Tuple[int, int]:
        path = posixpath.normpath("/" + (source.get("path") or "")).strip("/")
        project = forge.Project(self._client, self._forge["url"], source["project_id"], self._token)
        blobs, odd = project.list_files(source["commit"], path, int(source.get("max_files") or 0))
        if odd:
            log.say("left out %d symbolic links or submodules, such as %s" % (len(odd), odd[0]))
        if not blobs:
            raise errors.InputUnavailable("there is no file at %r in commit %s" % (path or "/", source["commit"][:12]))
        self._fetch_blobs(project, source["commit"], path, blobs)
        single = len(blobs) == 1 and blobs[0].path == path
        base = path.rpartition("/")[0] if single else path
        wanted = [self._resolved(blob, blob.path[len(base) + 1 :] if base else blob.path) for blob in blobs]
        most, stored = int(source.get("max_bytes") or 0), sum(max(0, item.size) for item in wanted)
        if most and stored > most:  # before anything of it is fetched
            raise errors.Failure("the commit has %s in LFS" % log.size(stored))
        return self._place(wanted, target, lambda missing: self._again(project, missing))

    def _fetch_manifest(self, source: Mapping[str, Any], target: str) -> Tuple[int, int]:
        if self._job is None:
            raise errors.Failure("only steps have inputs from other steps")
        entries = self._job.get_manifest(source["digest"], source.get("manifest"))
        wanted = [Wanted(e["path"], cache.LFS, e["oid"], int(e["size"]), e.get("mode", "100644")) for e in entries]
        if not wanted:
            raise errors.InputUnavailable("the output of step %r is empty" % source.get("step", "?"))
        return self._place(wanted, target, lambda missing: None)

    def _fetch_blobs(self, project: forge.Project, commit: str, path: str, blobs: Sequence[forge.Blob]) -> None:
        missing = {blob.oid: blob for blob in blobs if not self._cache.has(cache.GIT, blob.oid)}
        if len(missing) >= ARCHIVE_FROM and len(missing) * 2 >= len(blobs):
            self._from_archive(project, commit, path, {blob.path: blob for blob in blobs if blob.oid in missing})
            missing = {oid: blob for oid, blob in missing.items() if not self._cache.has(cache.GIT, oid)}
        self._one_by_one(project, list(missing))

    def _from_archive(self, project: forge.Project, commit: str, path: str, by_path: Mapping[str, forge.Blob]) -> None:
        progress = log.Progress("fetched", len(by_path))
        foreign: List[int] = []

        def receive(name: str, size: int, pieces: Iterable[bytes]) -> None:
            blob = by_path.get(name)
            if blob is None or self._cache.has(cache.GIT, blob.oid):
                return
            try:
                self._cache.store(cache.GIT, blob.oid, size, pieces)
                progress.add(1, size)
            except cache.Mismatch:
                # Servers may put LFS objects in place of pointers: such files are fetched as blobs afterwards, and an
                # archive that is mostly of them is not worth its bytes.
                foreign.append(size)
                if sum(foreign) > FOREIGN_MAX:
                    raise errors.Failure("it carries LFS objects in place of their pointers") from None

        try:
            project.iter_archive(commit, path, receive)
            progress.done()
        except errors.Failure as exc:
            log.say("no archive (%s); fetching file by file" % exc.message)

    def _one_by_one(self, project: forge.Project, oids: Sequence[str]) -> None:
        if not oids:
            return
        progress = log.Progress("fetched", len(oids))

        def one(oid: str) -> None:
            def receive(size: int, pieces: Iterable[bytes]) -> None:
                verified(lambda: self._cache.store(cache.GIT, oid, size, pieces))
                progress.add(1, size)

            project.fetch_blob(oid, receive)

        in_parallel(one, oids)
        progress.done()

    def _again(self, project: forge.Project, missing: Sequence[Wanted]) -> None:
        self._one_by_one(project, sorted({item.oid for item in missing if item.kind == cache.GIT}))

    def _resolved(self, blob: forge.Blob, relative: str) -> Wanted:
        content = self._cache.small(cache.GIT, blob.oid, lfs.POINTER_MAX)
        found = lfs.find_pointer(content)
        if found:
            return Wanted(relative, cache.LFS, found.oid, found.size, blob.mode)
        return Wanted(relative, cache.GIT, blob.oid, -1, blob.mode)

    def _fetch_objects(self, wanted: Iterable[Wanted]) -> None:
        objects = {lfs.Object(w.oid, w.size) for w in wanted if w.kind == cache.LFS}
        missing = [item for item in objects if not self._cache.has(cache.LFS, item.oid)]
        if not missing:
            return
        progress = log.Progress("fetched", len(missing), sum(item.size for item in missing))

        def receive(item: lfs.Object, pieces: Iterable[bytes]) -> None:
            verified(lambda: self._cache.store(cache.LFS, item.oid, item.size, pieces))
            progress.add(1, item.size)

        self._lfs.download(sorted(missing, key=lambda item: item.oid), receive)
        progress.done()

    def _place(
        self, wanted: Sequence[Wanted], target: str, repair: Callable[[Sequence[Wanted]], None]
    ) -> Tuple[int, int]:
        self._fetch_objects(wanted)
        missing = self._copy(wanted, target)
        if missing:  # evicted or spoilt in the cache meanwhile: once more
            repair(missing)
            self._fetch_objects(missing)
            missing = self._copy(missing, target)
        if missing:
            raise errors.InputUnavailable("%s cannot be fetched intact" % missing[0].path)
        total = sum(os.path.getsize(os.path.join(target, item.path)) for item in wanted)
        return len(wanted), total

    def _copy(self, wanted: Sequence[Wanted], target: str) -> List[Wanted]:
        missing = []
        for item in wanted:
            place = os.path.join(target, forge.safe_path(item.path))
            os.makedirs(os.path.dirname(place), exist_ok=True)
            mode = 0o555 if item.mode == "100755" else 0o444
            try:
                if not self._cache.place(item.kind, item.oid, place, mode):
                    missing.append(item)
            except FileExistsError:
                raise errors.InputUnavailable("two inputs both bring a file %s" % item.path) from None
        return missing


def verified(fetch: Callable[[], Any]) -> Any:
    """Run a fetch; bytes that do not hash to their address are a connection problem, so the client tries again."""
    try:
        return fetch()
    except cache.Mismatch as exc:
        raise OSError(str(exc)) from exc


def in_parallel(work: Callable[[Any], Any], items: Iterable[Any]) -> None:
    """Call work(item) from a few threads; the first problem stops the rest."""
    with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
        pending = [pool.submit(work, item) for item in items]
        try:
            for future in pending:
                future.result()
        except BaseException:
            for future in pending:
                future.cancel()
            raise


def seal(directory: str) -> None:
    """Take write permission from the directories of placed inputs."""
    for folder, _, _ in os.walk(directory, topdown=False):
        os.chmod(folder, 0o555)  # noqa: S103 - less than before
