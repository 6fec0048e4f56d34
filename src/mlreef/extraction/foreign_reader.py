"""Frameworks whose parameters cannot be put on a command line; a clear word is better than "nothing found"."""

from __future__ import annotations

from typing import Any

from mlreef.extraction.calls import Call
from mlreef.extraction.model import Fault
from mlreef.extraction.session import CALLS, DECORATORS, Session
from mlreef.extraction.values import UNKNOWN, Thing

_REMEDY = "declare `command` and `parameters` in processor.yaml, or read the options with argparse"
_FOREIGN = {
    "hydra.main": "the parameters come from Hydra's configuration files",
    "sacred.Experiment": "the parameters come from a sacred experiment",
    "gin.parse_config_file": "the parameters come from gin configuration files",
    "gin.parse_config_files_and_bindings": "the parameters come from gin configuration files",
    "lightning.pytorch.cli.LightningCLI": "the parameters come from LightningCLI, which asks the library's classes",
    "pytorch_lightning.cli.LightningCLI": "the parameters come from LightningCLI, which asks the library's classes",
    "plac.call": "plac takes its arguments by position only",
    "clize.run": "clize is not read",
    "streamlit.title": "this is a web application and not a program that ends",
    "flask.Flask": "this is a web application and not a program that ends",
    "fastapi.FastAPI": "this is a web application and not a program that ends",
}


class _Decorator(Thing):
    __slots__ = ()


def _handler(message: str) -> Any:
    def handler(session: Session, call: Call) -> Any:
        if session.foreign is None:
            session.foreign = Fault(session.position(call.module, call.node), message, _REMEDY)
        return _Decorator() if "Hydra" in message else UNKNOWN

    return handler


def _decorator(message: str) -> Any:
    def handler(session: Session, target: Any, call: Call) -> Any:
        _handler(message)(session, call)
        return target

    return handler


for _name, _message in _FOREIGN.items():
    CALLS[_name] = _handler(_message)
    DECORATORS[_name] = _decorator(_message)
