"""Packed metric series give back every point, and downsampling never invents or hides extremes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mlreef.management.experiments import packing
from mlreef.management.experiments.packing import Point

numbers = st.floats(allow_nan=False, allow_infinity=False, width=64)
points = st.lists(st.builds(Point, numbers, numbers, numbers), min_size=1, max_size=50)


@given(st.lists(points, min_size=1, max_size=4))
def test_unpacking_gives_back_all_points_in_order(chunks):
    columns = packing.unpack(packing.pack(chunk) for chunk in chunks)
    assert [Point(*point) for point in zip(*columns, strict=True)] == [point for chunk in chunks for point in chunk]


@given(points, points)
def test_merged_summaries_equal_the_summary_of_all(left, right):
    merged = packing.summarise(left).merged(packing.summarise(right))
    whole = packing.summarise(left + right)
    assert (merged.count, merged.least, merged.greatest) == (whole.count, whole.least, whole.greatest)
    assert (merged.first, merged.last) == (whole.first, whole.last)


@given(st.lists(numbers, min_size=1, max_size=500), st.integers(4, 50))
def test_downsampling_keeps_the_ends_and_the_extremes(values, wanted):
    columns = packing.unpack([packing.pack([Point(index, index, value) for index, value in enumerate(values)])])
    thin = packing.downsample(columns, wanted)
    assert len(thin.values) <= max(wanted, 4, len(values) if len(values) <= wanted else 0)
    assert (thin.values[0], thin.values[-1]) == (values[0], values[-1])
    assert (min(thin.values), max(thin.values)) == (min(values), max(values))
    assert list(thin.steps) == sorted(thin.steps)


@given(points)
def test_a_repeated_batch_adds_nothing(batch):
    first = packing.fresh(batch, [])
    assert packing.fresh(batch, first) == []
