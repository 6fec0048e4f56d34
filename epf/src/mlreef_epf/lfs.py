"""Git LFS with the job's token (git-lfs docs/api/batch.md): the batch API and basic transfers, and small files bundled.

Bundles are a transfer of our forge's, offered in the request's `transfers`; any other server answers `basic`.
"""

from __future__ import annotations

import base64
import concurrent.futures
import re
from typing import Any, Callable, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple, cast

from mlreef_epf import errors, log, web

BATCH = 200
PARALLEL = 8
AHEAD = 3
BUNDLE = "mlreef-bundle"
SMALL = 64 << 10
_BUNDLED = 200
POINTER_MAX = 1024
_TYPE = "application/vnd.git-lfs+json"
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:ext-[^\n]*\n)*"
    rb"oid sha256:([0-9a-f]{64})\nsize ([0-9]{1,18})\n?\Z"
)


class Object(NamedTuple):
    """One LFS object by SHA-256 and size."""

    oid: str
    size: int


def find_pointer(content: Optional[bytes]) -> Optional[Object]:
    """The object a pointer file stands for, or None for any other content."""
    match = _POINTER.match(content) if content is not None else None
    return Object(match.group(1).decode(), int(match.group(2))) if match else None


class Store:
    """The LFS store of one project."""

    def __init__(self, client: web.Client, lfs_url: str, job_token: str) -> None:
        self._client, self._url = client, lfs_url.rstrip("/")
        basic = base64.b64encode(("gitlab-ci-token:" + job_token).encode()).decode()
        self._headers = {"Accept": _TYPE, "Content-Type": _TYPE, "Authorization": "Basic " + basic}

    def download(self, wanted: Sequence[Object], receive: Callable[..., Any]) -> None:
        """Fetch objects in parallel; receive(object, pieces) is called from several threads."""

        def one(row: Mapping[str, Any]) -> Any:
            item = Object(row["oid"], row["size"])
            problem = row.get("error")
            action = row.get("actions", {}).get("download")
            if problem or not action:
                text = problem.get("message", "") if problem else "the server names no download"
                raise errors.InputUnavailable("LFS object %s cannot be downloaded: %s" % (item.oid, text))
            self._client.download(
                action["href"],
                lambda response: receive(item, iter(lambda: response.read(web.CHUNK), b"")),
                headers=action.get("header"),
            )

        def together(href: str, rows: Sequence[Mapping[str, Any]]) -> None:
            headers = dict(self._headers, **{"Content-Type": "text/plain"})
            try:
                body = "\n".join(row["oid"] for row in rows).encode()
                data = self._client.request("POST", href, headers=headers, body=body).body
                for item, content in _unpacked(data):
                    receive(item, iter([content]))
            except (errors.Failure, OSError, ValueError):
                for row in rows:  # one by one tells which object it is
                    one(row)

        self._each("download", wanted, one, together)

    def upload(self, paths: Mapping[Object, str], progress: log.Progress) -> int:
        """Send what the server lacks of {object: file path}; what it has is not sent again."""

        def one(row: Mapping[str, Any]) -> Any:
            item = _accepted(row)
            actions = row.get("actions") or {}
            if "upload" in actions:
                self._put(actions["upload"], web.FileBody(paths[item], lambda n: progress.add(count=n)))
            if "verify" in actions:
                self._client.request(
                    "POST",
                    actions["verify"]["href"],
                    headers=dict({"Accept": _TYPE, "Content-Type": _TYPE}, **(actions["verify"].get("header") or {})),
                    data={"oid": item.oid, "size": item.size},
                )
            progress.add(files=1)
            return "upload" in actions

        def together(href: str, rows: Sequence[Mapping[str, Any]]) -> None:
            """Many small files cost one request; the server names the address when it knows how."""
            items = [_accepted(row) for row in rows]
            body = b"".join(b"%s %d\n%s" % (i.oid.encode(), i.size, _content(paths[i], i.size)) for i in items)
            headers = dict(self._headers, **{"Content-Type": "application/octet-stream"})
            self._client.request("POST", href, headers=headers, body=body)
            progress.add(len(items), sum(item.size for item in items))

        return sum(self._each("upload", list(paths), one, together))

    def _put(self, action: Mapping[str, Any], body: Any) -> None:
        headers = {k: v for k, v in (action.get("header") or {}).items() if k.lower() != "transfer-encoding"}
        headers.setdefault("Content-Type", "application/octet-stream")
        self._client.request("PUT", action["href"], headers=headers, body=body)

    def _each(
        self,
        operation: str,
        wanted: Sequence[Object],
        work: Callable[[Mapping[str, Any]], Any],
        together: Optional[Callable[[str, Sequence[Mapping[str, Any]]], Any]] = None,
    ) -> List[Any]:
        """Call work(row) for all; while one batch is moved, the next is already asked for."""
        parts = [wanted[start : start + BATCH] for start in range(0, len(wanted), BATCH)]
        stop: List[bool] = []
        with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:

            def part(items: Sequence[Object]) -> List[Any]:
                if stop:
                    return []
                answer = self._batch(operation, items)
                rows, bundle = answer["objects"], answer.get("bundle") if together else None
                small: List[Any] = []
                if bundle and together:
                    small = [row for row in rows if row["size"] <= SMALL and operation in (row.get("actions") or {})]
                pending = [pool.submit(work, row) for row in rows if row not in small]
                try:
                    for start in range(0, len(small), _BUNDLED):
                        together(bundle["href"], small[start : start + _BUNDLED])  # type: ignore[misc, index]
                    return [True] * len(small) + [future.result() for future in pending]
                except BaseException:
                    stop.append(True)
                    for future in pending:
                        future.cancel()
                    raise

            with concurrent.futures.ThreadPoolExecutor(AHEAD) as batches:
                return [result for results in batches.map(part, parts) for result in results]

    def _batch(self, operation: str, part: Sequence[Object]) -> Mapping[str, Any]:
        answer = self._client.request(
            "POST",
            self._url + "/objects/batch",
            headers=self._headers,
            data={
                "operation": operation,
                "transfers": [BUNDLE, "basic"],
                "objects": [{"oid": item.oid, "size": item.size} for item in part],
                "hash_algo": "sha256",
            },
        ).json()
        rows = answer.get("objects")
        if {(row.get("oid"), row.get("size")) for row in rows or ()} != {(item.oid, item.size) for item in part}:
            raise errors.Failure("the forge's LFS answer does not name the objects that were asked for")
        return cast("Mapping[str, Any]", answer if answer.get("transfer") == BUNDLE else {"objects": rows})


def _accepted(row: Mapping[str, Any]) -> Object:
    problem = row.get("error")
    if problem:
        raise errors.Failure("the forge refused object %s: %s" % (row["oid"], problem.get("message")))
    return Object(row["oid"], row["size"])


def _unpacked(data: bytes) -> Iterator[Tuple[Object, bytes]]:
    place = 0
    while place < len(data):
        end = data.index(b"\n", place)
        oid, size = data[place:end].decode("ascii").split(" ")
        place = end + 1 + int(size)
        yield Object(oid, int(size)), data[end + 1 : place]


def _content(path: str, size: int) -> bytes:
    with open(path, "rb") as handle:
        return handle.read(size + 1)
