"""Which path belongs to which service, and how several services are one origin."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from mlreef.compose.inprocess import InProcess
from mlreef.compose.origin import Origin, service_of
from mlreef.compose.web import Web


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/api/v1/runs/run_1", "management"),
        ("/api/v4/projects/a%2Fb", "forge"),
        ("/v2/", "registry"),
        ("/v2", "registry"),
        ("/v2/group/project/augment/manifests/1", "registry"),
        ("/oauth/discovery/keys", "forge"),
        ("/jwt/auth", "forge"),
        ("/-/session", "forge"),
        ("/-/readiness", "health"),
        ("/metrics", "metrics"),
        ("/group/project.git/info/refs", "forge"),
        ("/group/sub/project.git", "forge"),
        ("/group/project", "web"),
        ("/group/project/-/tree/main/folder.git/file", "web"),
        ("/", "web"),
        ("/v2things", "web"),
    ],
)
def test_every_path_has_one_owner(path: str, service: str) -> None:
    assert service_of(path) == service


def small_app(name: str) -> FastAPI:
    from contextlib import asynccontextmanager

    from mlreef.kit import http

    @asynccontextmanager
    async def lifespan(app: FastAPI):
        app.state.alive = True
        yield
        app.state.alive = False

    app = http.new_app(name, "0", lifespan=lifespan, checks={})

    @app.get("/api/v4/{rest:path}")
    async def echo(rest: str) -> dict[str, str]:
        return {"service": name, "rest": rest}

    return app


async def test_services_live_and_end_with_their_origin() -> None:
    services = {"forge": small_app("forge"), "registry": small_app("registry")}
    origin = Origin(services, Web())
    async with origin.running():
        assert all(app.state.alive for app in services.values())
    assert not any(app.state.alive for app in services.values())


async def test_metrics_of_all_services_are_one_valid_exposition() -> None:
    origin = Origin({"forge": small_app("forge"), "registry": small_app("registry")}, Web())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(origin), base_url="http://here") as client:
        await client.get("/api/v4/version")
        text = (await client.get("/metrics")).text
    families = [family.name for family in text_string_to_metric_families(text)]
    assert len(families) == len(set(families))
    assert "mlreef_http_requests" in families


async def test_the_own_origin_is_answered_without_a_socket() -> None:
    transport = InProcess("http://127.0.0.1:1")
    transport.bind(Origin({"forge": small_app("forge")}, Web()))
    async with httpx.AsyncClient(transport=transport) as client:
        assert (await client.get("http://127.0.0.1:1/api/v4/a")).json() == {"service": "forge", "rest": "a"}
        with pytest.raises(httpx.ConnectError):
            await client.get("http://127.0.0.1:2/api/v4/a")


@pytest.mark.parametrize("path", ["/assets/../../../etc/passwd", "/assets/missing.js"])
async def test_only_built_assets_are_files(tmp_path, path: str) -> None:
    (tmp_path / "index.html").write_text("<html>app</html>")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(Web(tmp_path)), base_url="http://here") as client:
        assert (await client.get(path)).status_code in {200, 404}
        assert "root:" not in (await client.get(path)).text


async def test_a_page_with_a_dot_in_its_path_is_the_application(tmp_path) -> None:
    (tmp_path / "index.html").write_text("<html>app</html>")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(Web(tmp_path)), base_url="http://here") as client:
        answer = await client.get("/group/data/-/tree/main/image.png")
    assert answer.text == "<html>app</html>"
    assert "script-src 'self'" in answer.headers["content-security-policy"]


async def test_a_long_answer_is_streamed_and_stops_with_its_reader() -> None:
    sent = 0

    async def endless(scope, receive, send) -> None:
        nonlocal sent
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while True:
            sent += 1
            await send({"type": "http.response.body", "body": b"x" * 1000, "more_body": True})

    transport = InProcess("http://here")
    transport.bind(endless)
    async with httpx.AsyncClient(transport=transport) as client, client.stream("GET", "http://here/") as answer:
        async for chunk in answer.aiter_raw():
            assert chunk == b"x" * 1000
            break
    assert sent < 20


async def test_an_answer_that_breaks_off_is_an_error() -> None:
    async def broken(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise RuntimeError("gone")

    transport = InProcess("http://here")
    transport.bind(broken)
    async with httpx.AsyncClient(transport=transport) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get("http://here/")


async def test_a_body_reaches_the_service_whole() -> None:
    async def echo(scope, receive, send) -> None:
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message["body"]
            if not message["more_body"]:
                break
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    async def parts():
        for number in range(3):
            yield str(number).encode()

    transport = InProcess("http://here")
    transport.bind(echo)
    async with httpx.AsyncClient(transport=transport) as client:
        assert (await client.post("http://here/", content=parts())).content == b"012"
        assert (await client.post("http://here/", content=b"plain")).content == b"plain"
        assert (await client.get("http://here/")).content == b""
