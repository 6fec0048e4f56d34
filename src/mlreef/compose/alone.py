"""One service by itself, with settings from the environment: the way to several machines.

`mlreef serve forge`, `registry` and `management` behind one reverse proxy, or each on its own host name.
"""

from __future__ import annotations

import importlib
from typing import Any

import uvicorn
from pydantic import ValidationError

from mlreef import forge
from mlreef.compose.gateway import Gateway
from mlreef.kit.errors import invalid


def serve(service: str, *, host: str, port: int, workers: int) -> None:
    """Run one service until it is interrupted; several workers need PostgreSQL."""
    settings(service)
    uvicorn.run(
        f"mlreef.compose.alone:{service}_app",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        # With several workers on plain asyncio every response would cost 40 ms.
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )


def settings(service: str) -> Any:
    """A service's settings; everything that is missing or wrong is told at once."""
    place = "mlreef.compose.gateway" if service == "gateway" else f"mlreef.{service}"
    kind = importlib.import_module(place).Settings
    try:
        return kind()
    except ValidationError as exc:
        prefix = kind.model_config["env_prefix"]
        faults = [f"{prefix}{str(error['loc'][0]).upper()}: {error['msg']}" for error in exc.errors() if error["loc"]]
        raise invalid(f"settings of {service}:\n  " + "\n  ".join(faults)) from exc


def app(service: str) -> Any:
    """A service's application with settings from the environment."""
    return importlib.import_module(f"mlreef.{service}").create_app(settings(service))


def forge_app() -> Any:
    """The forge alone."""
    return app("forge")


def registry_app() -> Any:
    """The registry alone."""
    return app("registry")


def management_app() -> Any:
    """The management service alone."""
    return app("management")


def gateway_app() -> Any:
    """One origin and the web application in front of services that run apart."""
    return Gateway(settings("gateway"))


async def initialise_forge(admin_password: str | None) -> dict[str, str | None]:
    """Prepare the forge's database; secrets are in the answer only when they were made now."""
    made = await forge.initialise(settings("forge"), admin_password=admin_password)
    return {
        "admin_username": made.admin_username,
        "admin_password": made.admin_password,
        "service_token": made.service_token,
    }
