"""Ids, tokens, paging, ranges, loops: the small things that everything stands on."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlreef.kit import ids, paging, tasks
from mlreef.kit.errors import HTTP_STATUS, Kind, PlatformError
from mlreef.kit.http import parse_range


def test_ids_are_ordered_by_time_and_never_repeat() -> None:
    made = [ids.new_id("run") for _ in range(200)]
    assert len(set(made)) == 200
    assert made[0][:14] <= made[-1][:14]
    assert all(len(one) == 30 for one in made)


def test_a_token_proves_its_shape_and_a_typing_error_does_not() -> None:
    token = ids.new_token("glpat-")
    wrong = token[:10] + ("a" if token[10] != "a" else "b") + token[11:]
    assert ids.valid_token(token, "glpat-")
    assert not ids.valid_token(wrong, "glpat-")
    assert not ids.valid_token(token, "glrt-")
    assert token not in ids.hash_token(token)


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_of_error_has_a_status(kind: Kind) -> None:
    assert PlatformError(kind, "x").status == HTTP_STATUS[kind]


@pytest.mark.parametrize(("number", "size"), [("0", "1"), ("x", "1"), ("1", "-3"), ("9" * 30, "1")])
def test_a_page_that_cannot_be_is_refused(number: str, size: str) -> None:
    with pytest.raises(PlatformError):
        paging.parse(number, size)


def test_a_page_is_never_larger_than_the_cap() -> None:
    assert paging.parse("3", "100000") == paging.Page(3, 100)
    assert paging.Paged([], paging.Page(1, 20), 41).pages == 3


@given(st.binary(max_size=200), st.text(alphabet="0123456789-,= bytes", max_size=30))
def test_a_range_never_leaves_the_object(data: bytes, header: str) -> None:
    wanted = parse_range(f"bytes={header}", len(data))
    if wanted is not None:
        start, end = wanted
        assert 0 <= start <= end <= len(data)


@pytest.mark.parametrize(
    ("header", "expected"),
    [("bytes=0-0", (0, 1)), ("bytes=-3", (7, 10)), ("bytes=5-", (5, 10)), ("bytes=20-", (10, 10)), (None, None)],
)
def test_ranges_are_read_as_the_standard_says(header: str | None, expected: object) -> None:
    assert parse_range(header, 10) == expected


async def test_a_loop_goes_on_after_a_failure_and_runs_when_woken() -> None:
    ran = asyncio.Semaphore(0)
    calls = 0

    async def body() -> None:
        nonlocal calls
        calls += 1
        ran.release()
        if calls == 1:
            raise RuntimeError("once")

    loop = tasks.Loop("test", body, interval=3600)
    async with tasks.running([loop]), asyncio.timeout(10):
        await ran.acquire()
        loop.wake()
        await ran.acquire()
        loop.wake()
        await ran.acquire()
    assert calls == 3
