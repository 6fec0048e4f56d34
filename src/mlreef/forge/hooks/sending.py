"""Carrying deliveries out: ten seconds each, in order per hook, again with growing pauses, always with the same id.

Attempts of different hooks run side by side; a slow or failing receiver delays only itself.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
from sqlalchemy.engine import RowMapping

from mlreef.forge.hooks import guard, store
from mlreef.kit.clock import Clock
from mlreef.kit.db import Database
from mlreef.kit.errors import PlatformError

TIMEOUT = 10.0
MAX_ATTEMPTS = 10
MAX_ANSWER = 4096
BATCH = 100
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


async def send_due(db: Database, sender: Sender, clock: Clock) -> int:
    """Attempt every due delivery once and return how many there were."""
    async with db.read() as tx:
        waiting = await store.due(tx, clock.now(), BATCH)
    by_hook = itertools.groupby(sorted(waiting, key=lambda row: (row["hook_id"], row["id"])), lambda r: r["hook_id"])
    await asyncio.gather(*(_send_in_order(db, sender, clock, list(rows)) for _hook, rows in by_hook))
    return len(waiting)


async def clean(db: Database, clock: Clock) -> None:
    """Forget finished deliveries after a week."""
    async with db.write() as tx:
        await store.forget_sent(tx, clock.now() - timedelta(days=KEEP_DAYS))


async def _send_in_order(db: Database, sender: Sender, clock: Clock, rows: Sequence[RowMapping]) -> None:
    for row in rows:
        outcome = await sender.send(row)
        await record(db, clock, row, outcome)
        if not outcome.delivered:
            return  # the rest stays due: they would meet the same receiver


async def record(db: Database, clock: Clock, delivery: RowMapping, outcome: Outcome) -> None:
    """Keep what became of an attempt and decide on the next."""
    attempts = delivery["attempts"] + 1
    now = clock.now()
    state = "sent" if outcome.delivered else "failed" if attempts >= MAX_ATTEMPTS else "waiting"
    pause = min(3600.0, 1.0 * 3 ** (attempts - 1))
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
        await store.count_failure(tx, delivery["hook_id"], failed=not outcome.delivered)


async def _start_of(response: httpx.Response) -> str:
    body = b""
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) >= MAX_ANSWER:
            break
    return body[:MAX_ANSWER].decode("utf-8", errors="replace").replace("\x00", "")
