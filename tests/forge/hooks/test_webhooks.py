"""What webhooks are told, and how deliveries behave towards bad receivers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from ci_world import SHA, World

from mlreef.forge.ci.pipelines.pushes import Pushes
from mlreef.forge.hooks.sending import Dispatcher, Sender
from mlreef.forge.repos.events import PushEvent

HOOK = {"url": "http://m/api/v1/hooks/forge", "job_events": True, "pipeline_events": True, "token": "s3cret"}


class Receiver:
    """A receiver that answers what it is told to, and remembers."""

    def __init__(self, *answers: int) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(self.answers.pop(0) if self.answers else 200, text="ok" * 10_000)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(request.content) for request in self.requests]


def dispatcher(ci: World, receiver: Callable[[httpx.Request], httpx.Response]) -> Dispatcher:
    trusted = httpx.AsyncClient(transport=httpx.MockTransport(receiver))
    outside = httpx.AsyncClient(transport=httpx.MockTransport(receiver))
    return Dispatcher(ci.db, Sender(trusted, outside, ("http://m/",), "http://forge.test", "18.5.0"), ci.clock)


async def hook(ci: World, **more: Any) -> dict[str, Any]:
    response = await ci.client.post("/api/v4/projects/7/hooks", json={**HOOK, **more})
    assert response.status_code == 201, response.text
    return response.json()


async def test_a_job_is_told_of_from_creation_to_end_in_order(ci: World):
    await hook(ci)
    await ci.start("a: {script: x}")
    job = await (await ci.runner()).take()
    await job.finish("failed", exit_code=2)
    receiver = Receiver()
    await dispatcher(ci, receiver).drain()
    told = [
        (body["object_kind"], body.get("build_status") or body["object_attributes"]["status"])
        for body in receiver.bodies
    ]
    assert [state for kind, state in told if kind == "build"] == ["created", "pending", "running", "failed"]
    assert [state for kind, state in told if kind == "pipeline"] == ["pending", "running", "failed"]
    last = [body for body in receiver.bodies if body["object_kind"] == "build"][-1]
    assert (last["build_id"], last["build_failure_reason"], last["project"]["path_with_namespace"]) == (
        job.id,
        "script_failure",
        "lab/iris",
    )


async def test_deliveries_carry_gitlabs_headers_and_the_secret(ci: World):
    await hook(ci)
    await ci.start("a: {script: x}")
    receiver = Receiver()
    await dispatcher(ci, receiver).drain()
    headers = receiver.requests[0].headers
    assert (headers["x-gitlab-token"], headers["x-gitlab-event"]) == ("s3cret", "Job Hook")
    assert headers["x-gitlab-instance"] == "http://forge.test"
    assert headers["idempotency-key"]
    assert headers["x-gitlab-event-uuid"]


async def test_only_wanted_events_are_written(ci: World):
    await hook(ci, job_events=False)
    await ci.start("a: {script: x}")
    assert {row["event"] for row in await ci.sent()} == {"Pipeline Hook"}


async def test_a_refused_change_tells_nobody(ci: World):
    await hook(ci)
    ci.git.files[7][".gitlab-ci.yml"] = b"a: {}"
    await ci.client.post("/api/v4/projects/7/pipeline", json={"ref": "main"})
    assert await ci.sent() == []


async def test_a_failing_receiver_is_tried_again_with_the_same_ids(ci: World):
    await hook(ci, job_events=False)
    await ci.start("a: {script: x}")
    receiver = Receiver(500, 503)
    sending = dispatcher(ci, receiver)
    for pause in (0, 1, 3):
        ci.clock.advance(pause)
        await sending.drain()
    assert len(receiver.requests) == 3
    assert len({request.headers["idempotency-key"] for request in receiver.requests}) == 1
    (row,) = await ci.sent()
    assert (row["state"], row["attempts"], row["response_status"]) == ("sent", 3, 200)
    ci.clock.advance(1000)
    await sending.drain()
    assert len(receiver.requests) == 3


async def test_later_events_wait_behind_a_failed_one(ci: World):
    await hook(ci)
    await ci.start("a: {script: x}")
    receiver = Receiver(500)
    sending = dispatcher(ci, receiver)
    await sending.drain()
    assert len(receiver.requests) == 1
    ci.clock.advance(1)
    await sending.drain()
    kinds = [(body["object_kind"], body.get("build_status")) for body in receiver.bodies[1:]]
    assert kinds[:2] == [("build", "created"), ("build", "pending")]


async def test_a_delivery_is_given_up_after_ten_attempts(ci: World):
    await hook(ci, job_events=False)
    await ci.start("a: {script: x}")
    receiver = Receiver(*[500] * 20)
    sending = dispatcher(ci, receiver)
    for _ in range(15):
        ci.clock.advance(3600)
        await sending.drain()
    assert len(receiver.requests) == 10
    (shown,) = (await ci.client.get("/api/v4/projects/7/hooks")).json()
    assert shown["alert_status"] == "temporarily_disabled"


async def test_a_broken_connection_counts_as_failure_and_redirects_are_not_followed(ci: World):
    await hook(ci, job_events=False)
    await ci.start("a: {script: x}")

    def broken(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    await dispatcher(ci, broken).drain()
    ci.clock.advance(1)
    receiver = Receiver(302)
    await dispatcher(ci, receiver).drain()
    (row,) = await ci.sent()
    assert (row["state"], row["attempts"], row["response_status"]) == ("waiting", 2, 302)
    assert len(receiver.requests) == 1


async def test_local_addresses_are_never_contacted(ci: World):
    await hook(ci, url="http://127.0.0.1:9/x", job_events=False)
    await ci.start("a: {script: x}")
    receiver = Receiver()
    await dispatcher(ci, receiver).drain()
    (row,) = await ci.sent()
    assert receiver.requests == []
    assert "local network" in row["error"]


async def test_a_crash_while_sending_sends_again_later(ci: World):
    await hook(ci, job_events=False)
    await ci.start("a: {script: x}")
    sending = dispatcher(ci, Receiver())
    await sending.start_due()
    await sending.close()
    receiver = Receiver()
    await dispatcher(ci, receiver).drain()
    first = len(receiver.requests)
    ci.clock.advance(121)
    await dispatcher(ci, receiver).drain()
    assert (first, len(receiver.requests)) == (0, 1)


async def test_a_push_is_told_in_gitlabs_shape(ci: World):
    await hook(ci, push_events=True)
    pushes = Pushes(ci.ci, ci.db)
    await pushes.note(PushEvent(7, "refs/heads/main", "b" * 40, SHA, 1))
    ci.git.branches["refs/heads/main"] = SHA
    await pushes.work()
    receiver = Receiver()
    await dispatcher(ci, receiver).drain()
    (body,) = receiver.bodies
    assert (body["event_name"], body["ref"], body["checkout_sha"]) == ("push", "refs/heads/main", SHA)
    assert (body["commits"][0]["id"], body["total_commits_count"], body["user_username"]) == (SHA, 1, "ann")


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"url": "http://x/"}, 201),
        ({}, 400),
        ({"url": "ftp://x"}, 400),
        ({"url": ["http://x"]}, 400),
        ({"url": "http://u:p@x"}, 400),
        ({"url": "http://x", "token": "a\nb"}, 400),
        ({"url": "http://x", "push_events": "maybe"}, 400),
    ],
)
async def test_hooks_are_checked(ci: World, given: dict[str, Any], status: int):
    assert (await ci.client.post("/api/v4/projects/7/hooks", json=given)).status_code == status


async def test_hooks_are_changed_tested_and_removed_and_never_show_their_token(ci: World):
    made = await hook(ci)
    url = f"/api/v4/projects/7/hooks/{made['id']}"
    assert "token" not in made
    assert (await ci.client.put(url, json={"push_events": False})).json()["push_events"] is False
    assert (await ci.client.post(f"{url}/test/push_events")).status_code == 201
    receiver = Receiver()
    await dispatcher(ci, receiver).drain()
    (event,) = (await ci.client.get(f"{url}/events")).json()
    assert event["response_status"] == "200"
    assert (await ci.client.post(f"{url}/events/{event['id']}/resend")).status_code == 201
    await dispatcher(ci, receiver).drain()
    assert len({request.headers["x-gitlab-event-uuid"] for request in receiver.requests}) == 1
    assert (await ci.client.delete(url)).status_code == 204
    assert (await ci.client.get(url)).status_code == 404
