"""Secrets stay hidden however the log is cut; everything else passes unchanged."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlreef.runner.masking import Masker


def masked(values: list[str], chunks: list[bytes], prefixes: list[str] | None = None) -> bytes:
    masker = Masker(values, prefixes or [])
    return b"".join(masker.feed(chunk) for chunk in chunks) + masker.finish()


@given(st.binary(max_size=40), st.binary(max_size=40), st.lists(st.integers(0, 100), max_size=6))
def test_a_secret_is_hidden_wherever_the_log_is_cut(before: bytes, after: bytes, cuts: list[int]) -> None:
    text = before + b"hunter2hunter2" + after
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    chunks = [text[a:b] for a, b in itertools.pairwise(places)]
    result = masked(["hunter2hunter2"], chunks)
    assert b"hunter2hunter2" not in result
    assert result == masked(["hunter2hunter2"], [text])


@given(st.lists(st.binary(max_size=20), max_size=8))
def test_a_log_without_secrets_is_unchanged(chunks: list[bytes]) -> None:
    text = b"".join(chunks).replace(b"hunter2", b"")
    assert masked(["hunter2hunter2"], [text]) == text


@pytest.mark.parametrize("cut", range(1, 30))
def test_a_token_is_hidden_by_its_prefix(cut: int) -> None:
    text = b"x glpat-abcdefghij0123456789 y"
    assert masked([], [text[:cut], text[cut:]], ["glpat-"]) == b"x [MASKED] y"


def test_lines_of_a_long_secret_are_hidden_one_by_one() -> None:
    assert masked(["-----BEGIN\nabcdefgh\n"], [b"said abcdefgh"]) == b"said [MASKED]"


def test_one_secret_that_begins_another_does_not_uncover_it() -> None:
    assert b"tail" not in masked(["secret", "secrettail"], [b"secret", b"tail"])
