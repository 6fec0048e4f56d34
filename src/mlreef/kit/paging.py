"""Offset paging: one bounded page of a list, and what is needed to name its neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from mlreef.kit.errors import invalid

T = TypeVar("T")

MAX_PER_PAGE = 100


@dataclass(frozen=True, slots=True)
class Page:
    """Which page is asked for: one-based number and size."""

    number: int = 1
    size: int = 20

    @property
    def offset(self) -> int:
        """How many items come before the page."""
        return (self.number - 1) * self.size


@dataclass(frozen=True, slots=True)
class Paged(Generic[T]):
    """A page of items and the number of all items."""

    items: Sequence[T]
    page: Page
    total: int

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.total // self.page.size))


def parse(number: str | int | None, size: str | int | None) -> Page:
    """A page from request parameters; sizes above the maximum are capped, nonsense is refused."""
    try:
        wanted, per = int(number or 1), int(size or 20)
    except ValueError:
        raise invalid("page and per_page must be whole numbers") from None
    if wanted < 1 or per < 1 or wanted > 10**9:
        raise invalid("page and per_page must be 1 or more")
    return Page(wanted, min(per, MAX_PER_PAGE))
