"""Carrying deliveries out: ten seconds each, in order per hook, again with growing pauses, always with the same id.

Attempts of different hooks run side by side; a slow or failing receiver delays only itself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
from sqlalchemy.engine import RowMapping

from mlreef.forge.hooks import guard, store
from mlreef.kit import logs
from mlreef.kit.clock import Clock
from mlreef.kit.db import Database
from mlreef.kit.errors import PlatformError

log = logs.get(__name__)

TIMEOUT = 10.0
MAX_ATTEMPTS = 10
MAX_ANSWER = 4096
BATCH = 100
TAKEN_SECONDS = 120.0
"""How long a process may take over what it took before another tries."""
KEEP_DAYS = 7


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt."""

    status: int | None
    body: str
    error: str | None
    seconds: float

    @property
    def delivered(self) -> bool:
        """Whether the receiver accepted it."""
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends deliveries: trusted URLs through `client`, everything else to checked public addresses only."""

    client: httpx.AsyncClient
    outside: httpx.AsyncClient
    trusted_prefixes: tuple[str, ...]
    instance: str
    version: str

    async def send(self, delivery: RowMapping) -> Outcome:
        """One attempt; never raises for what the receiver does."""
        started = time.monotonic()
        try:
            async with asyncio.timeout(TIMEOUT):
                status, body = await self._post(delivery)
        except PlatformError as exc:
            return Outcome(None, "", exc.message, time.monotonic() - started)
        except TimeoutError:
            return Outcome(None, "", f"no answer within {TIMEOUT:.0f} s", time.monotonic() - started)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as exc:
            return Outcome(None, "", f"{type(exc).__name__}: {exc}", time.monotonic() - started)
        return Outcome(status, body, None, time.monotonic() - started)

    async def _post(self, delivery: RowMapping) -> tuple[int, str]:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"GitLab/{self.version}",
            "Idempotency-Key": delivery["key"],
            "X-Gitlab-Event": delivery["event"],
            "X-Gitlab-Event-UUID": delivery["uuid"],
            "X-Gitlab-Webhook-UUID": delivery["hook_uuid"],
            "X-Gitlab-Instance": self.instance,
        }
        if delivery["token"]:
            headers["X-Gitlab-Token"] = delivery["token"]
        url, client, extensions = delivery["url"], self.client, dict[str, Any]()
        if not guard.trusted(url, self.trusted_prefixes):
            target = await guard.resolve(url)
            client = self.outside
            parsed = httpx.URL(url)
            headers["Host"] = parsed.netloc.decode("ascii")
            url = str(parsed.copy_with(host=target.address))
            extensions = {"sni_hostname": target.host}
        request = client.build_request(
            "POST", url, headers=headers, content=delivery["body"].encode(), timeout=TIMEOUT, extensions=extensions
        )
        response = await client.send(request, stream=True, follow_redirects=False)
        try:
            return response.status_code, await _start_of(response)
        finally:
            await response.aclose()


class Dispatcher:
    """Takes due deliveries and sends them, one hook's in order, different hooks' side by side.

    Taking moves a delivery's time ahead, so that several processes share the work and a crash only delays it.
    """

    def __init__(self, db: Database, sender: Sender, clock: Clock) -> None:
        self._db = db
        self._sender = sender
        self._clock = clock
        self._tasks: dict[int, asyncio.Task[None]] = {}

    async def start_due(self) -> int:
        """Begin to send what is due and return how many deliveries that is."""
        now = self._clock.now()
        async with self._db.read() as tx:
            if not await store.due(tx, now, 1, busy=self._tasks):
                return 0
        async with self._db.write() as tx:
            rows = await store.due(tx, now, BATCH, busy=self._tasks, locked=True)
            await store.postpone(tx, [row["id"] for row in rows], now + timedelta(seconds=TAKEN_SECONDS))
        by_hook: dict[int, list[RowMapping]] = {}
        for row in rows:
            by_hook.setdefault(row["hook_id"], []).append(row)
        for hook_id, deliveries in by_hook.items():
            task = asyncio.create_task(self._send_in_order(deliveries), name=f"hook {hook_id}")
            self._tasks[hook_id] = task
            task.add_done_callback(lambda _done, key=hook_id: self._tasks.pop(key, None))  # type: ignore[misc]
        return len(rows)

    async def drain(self) -> None:
        """Send until nothing is due any more."""
        while await self.start_due() or self._tasks:
            await asyncio.gather(*self._tasks.values())

    async def close(self) -> None:
        """Stop sending; what was not confirmed is sent again later."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _send_in_order(self, rows: Sequence[RowMapping]) -> None:
        try:
            for index, row in enumerate(rows):
                outcome = await self._sender.send(row)
                pause = await record(self._db, self._clock, row, outcome)
                if not outcome.delivered:
                    # The rest would meet the same receiver: it waits as long, and keeps its order.
                    rest = [later["id"] for later in rows[index + 1 :]]
                    async with self._db.write() as tx:
                        await store.postpone(tx, rest, self._clock.now() + timedelta(seconds=pause))
                    return
        except Exception:
            log.exception("webhook deliveries failed", hook=rows[0]["hook_id"])


async def clean(db: Database, clock: Clock) -> None:
    """Forget finished deliveries after a week."""
    async with db.write() as tx:
        await store.forget_sent(tx, clock.now() - timedelta(days=KEEP_DAYS))


async def record(db: Database, clock: Clock, delivery: RowMapping, outcome: Outcome) -> float:
    """Keep what became of an attempt and return the seconds until the next."""
    attempts = delivery["attempts"] + 1
    now = clock.now()
    state = "sent" if outcome.delivered else "failed" if attempts >= MAX_ATTEMPTS else "waiting"
    pause = min(3600.0, float(3 ** (int(attempts) - 1)))
    async with db.write() as tx:
        await store.change_delivery(
            tx,
            delivery["id"],
            {
                "state": state,
                "attempts": attempts,
                "due_at": now + timedelta(seconds=pause),
                "sent_at": now,
                "response_status": outcome.status,
                "response_body": outcome.body,
                "error": outcome.error,
                "seconds": outcome.seconds,
            },
        )
        if not outcome.delivered or delivery["failures"]:
            await store.count_failure(tx, delivery["hook_id"], failed=not outcome.delivered)
    return pause


async def _start_of(response: httpx.Response) -> str:
    if response.is_stream_consumed:  # an in-process transport answers all at once
        return _text(response.content)
    body = b""
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) >= MAX_ANSWER:
            break
    return _text(body)


def _text(body: bytes) -> str:
    return body[:MAX_ANSWER].decode("utf-8", errors="replace").replace("\x00", "")
