"""Decorators that say in a program what it is as a processor; read from its source, they do nothing when it runs.

Standard library only. A program that uses them needs no MLReef where it runs: the platform stands in for this module.

    @processor(name="blur", kind="operation", input_types=["image"], output_types=["image"])
    @parameter("radius", type="integer", min=1, max=50, unit="pixels")
    @metric("sharpness", goal="maximize")
    def blur(input_path: str, output_path: str, radius: int = 3): ...
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Target = TypeVar("Target")
Decorator = Callable[[Target], Target]


def _same(target: Target) -> Target:
    return target


def processor(name: str, **_words: Any) -> Decorator[Any]:
    """The processor: `kind`, `title`, `description`, `environment`, `input_types`, `output_types`, `tags`, ..."""
    del name
    return _same


def parameter(name: str, type: str | None = None, required: bool = False, **_words: Any) -> Decorator[Any]:  # noqa: A002 - the name that authors write
    """One parameter: `default`, `min`, `max`, `choices`, `unit`, `help`, `role` (input, output, value)."""
    del name, type, required
    return _same


def metric(name: str, **_words: Any) -> Decorator[Any]:
    """One metric that the program reports: `goal` (maximize, minimize), `unit`, `help`."""
    del name
    return _same


data_processor = processor
