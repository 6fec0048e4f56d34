"""Git LFS: batch API and basic transfers, with the job's token (git-lfs docs/api/batch.md)."""

from __future__ import annotations

import base64
import concurrent.futures
import re
from dataclasses import dataclass
from typing import Any, Callable, List, Mapping, Optional, Sequence

from mlreef_epf import errors, log, web

BATCH = 100
PARALLEL = 8
POINTER_MAX = 1024
_TYPE = "application/vnd.git-lfs+json"
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:ext-[^\n]*\n)*"
    rb"oid sha256:([0-9a-f]{64})\nsize ([0-9]{1,18})\n?\Z"
)


@dataclass(frozen=True)
class Object:
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

        self._each("download", wanted, one)

    def upload(self, paths: Mapping[Object, str], progress: log.Progress) -> int:
        """Send what the server lacks of {object: file path}; what it has is not sent again."""

        def one(row: Mapping[str, Any]) -> Any:
            item = Object(row["oid"], row["size"])
            problem = row.get("error")
            if problem:
                raise errors.Failure("the forge refused object %s: %s" % (item.oid, problem.get("message")))
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

        return sum(self._each("upload", list(paths), one))

    def _put(self, action: Mapping[str, Any], body: Any) -> None:
        headers = {k: v for k, v in (action.get("header") or {}).items() if k.lower() != "transfer-encoding"}
        headers.setdefault("Content-Type", "application/octet-stream")
        self._client.request("PUT", action["href"], headers=headers, body=body)

    def _each(self, operation: str, wanted: Sequence[Object], work: Callable[[Mapping[str, Any]], Any]) -> List[Any]:
        results: List[Any] = []
        with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
            for start in range(0, len(wanted), BATCH):
                part = wanted[start : start + BATCH]
                rows = self._batch(operation, part)
                pending = [pool.submit(work, row) for row in rows]
                try:
                    results.extend(future.result() for future in pending)
                except BaseException:
                    for future in pending:
                        future.cancel()
                    raise
        return results

    def _batch(self, operation: str, part: Sequence[Object]) -> List[Any]:
        answer = self._client.request(
            "POST",
            self._url + "/objects/batch",
            headers=self._headers,
            data={
                "operation": operation,
                "transfers": ["basic"],
                "objects": [{"oid": item.oid, "size": item.size} for item in part],
                "hash_algo": "sha256",
            },
        )
        rows = answer.json().get("objects")
        if {(row.get("oid"), row.get("size")) for row in rows or ()} != {(item.oid, item.size) for item in part}:
            raise errors.Failure("the forge's LFS answer does not name the objects that were asked for")
        return list(rows)
