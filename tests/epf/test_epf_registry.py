"""EPF's registry client against the platform's own registry, over real HTTP with real tokens."""

import contextlib
import json
import socket
import threading
import time
from urllib.parse import parse_qsl

import httpx
import pytest
import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey

from mlreef.registry import Settings, create_app
from mlreef_epf import errors, images, layers, registry, web

KEY = RSAKey.generate_key(2048, private=True)
pytestmark = pytest.mark.slow


def token(scopes, allowed):
    access = []
    for scope in scopes:
        kind, name, actions = scope.split(":")
        if allowed(name):
            access.append({"type": kind, "name": name, "actions": actions.split(",")})
    now = int(time.time())
    claims = {"aud": "container_registry", "exp": now + 60, "nbf": now - 5, "access": access}
    return jwt.encode({"alg": "RS256"}, claims, KEY)


def with_tokens(app, allowed):
    """The registry, and beside it a forge that signs what is asked for."""

    async def serve(scope, receive, send):
        if scope["type"] != "http" or scope["path"] != "/jwt/auth":
            return await app(scope, receive, send)
        scopes = [value for key, value in parse_qsl(scope["query_string"].decode()) if key == "scope"]
        body = json.dumps({"token": token(scopes, allowed)}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        return await send({"type": "http.response.body", "body": body})

    return serve


@contextlib.contextmanager
def running(directory, allowed=lambda name: True):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        settings = Settings(
            database_url=f"sqlite:///{directory}/registry.db",
            objects_url=f"file://{directory}/objects",
            external_url=url,
            token_realm=url + "/jwt/auth",
            jwks_url="http://forge/oauth/discovery/keys",
        )
        keys = httpx.MockTransport(lambda _: httpx.Response(200, json={"keys": [KEY.as_dict(private=False)]}))
        app = with_tokens(create_app(settings, transport=keys), allowed)
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="on"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        yield url
        server.should_exit = True
        thread.join(10)


def push_image(url, repository, directory, base=None):
    source = directory / repository.replace("/", "-")
    source.mkdir()
    (source / "file").write_text(repository)
    layer = layers.build(str(source), str(source) + ".tar.gz")
    content, manifest = images.assemble(base or images.Base(), [(layer, "test", None)], {}, {})
    target = registry.Registry(web.Client(patience=5), url, "gitlab-ci-token", "secret")
    push = images.Push(target, repository, str(directory))
    return target, push.send(base or images.Base(), {layer.digest: layer.path}, content, manifest, "1.0")


def test_an_image_on_a_base_is_pushed_and_read_back(tmp_path):
    with running(tmp_path) as url:
        target, _ = push_image(url, "mlreef/environments/base", tmp_path)
        base = images.get_base(target, "mlreef/environments/base", "1.0")
        target, (digest, size) = push_image(url, "g/c/augment", tmp_path, base)
        manifest, found = target.find_manifest("g/c/augment", "1.0")
        assert found == digest
        assert size == sum(row["size"] for row in manifest["layers"])
        assert target.list_tags("g/c/augment") == ["1.0"]
        for index, row in enumerate(manifest["layers"]):
            target.fetch_blob("g/c/augment", row["digest"], str(tmp_path / f"layer{index}"))


def test_what_is_not_there_is_none_and_what_is_not_allowed_is_an_error(tmp_path):
    with running(tmp_path, allowed=lambda name: name.startswith("g/c/")) as url:
        target = registry.Registry(web.Client(patience=5), url, "gitlab-ci-token", "secret")
        assert target.find_manifest("g/c/augment", "1.0") is None
        assert target.list_tags("g/c/augment") == []
        with pytest.raises(errors.Failure, match=r"40[13]"):
            push_image(url, "g/other", tmp_path)
