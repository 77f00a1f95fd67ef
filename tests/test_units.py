"""Times, spans and bytes in words: one dialect for page, console and figures."""

from __future__ import annotations

import pytest

from vidmem.units import (
    clock,
    clock_range,
    file_size,
    flop_count,
    mebibytes,
    memory_size,
    memory_unit,
    span,
)

MIB = 2**20


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "00:00"), (96.7, "01:36"), (59.9999999, "01:00"), (3723.5, "01:02:03"), (-1, "00:00")],
)
def test_a_clock_is_cut_and_not_rounded(seconds, text):
    assert clock(seconds) == text


def test_a_clock_may_have_tenths():
    assert clock(96.72, has_tenths=True) == "01:36.7"
    assert clock(59.96, has_tenths=True) == "00:59.9"


def test_a_range_has_tenths_where_whole_seconds_would_hide_its_length():
    assert clock_range(4, 8) == "00:04 to 00:08"
    assert clock_range(4.25, 4.5) == "00:04.2 to 00:04.5"
    assert clock_range(4.25, 40.5) == "00:04 to 00:40"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.25, "0.25 s"),
        (4.52, "4.5 s"),
        (52.2, "52 s"),
        (200, "3 min 20 s"),
        (120, "2 min"),
        (21_600, "6 h"),
        (21_900, "6 h 05 min"),
    ],
)
def test_a_span_has_the_two_units_that_matter(seconds, text):
    assert span(seconds) == text


def test_disks_count_in_tens_and_memory_in_twos():
    assert [file_size(n) for n in (7, 11_200_000_000)] == ["7 B", "11.2 GB"]
    texts = [memory_size(n) for n in (7, 196_808, 800 * MIB, 3 * 2**30)]
    assert texts == ["7 bytes", "192.2 KiB", "800.0 MiB", "3.0 GiB"]


def test_growth_is_in_one_unit_however_small_and_nothing_has_no_minus():
    assert [mebibytes(n * MIB) for n in (0.2, -40, -0.02, 1200)] == [
        "0.2 MiB",
        "-40.0 MiB",
        "0.0 MiB",
        "1200.0 MiB",
    ]
    assert mebibytes(-0.004 * MIB, 2, has_sign=True) == "+0.00 MiB"


def test_flops_are_counted_in_tens():
    counts = (940, 3.2e6, 999.96e6, 75.86e9, 1.2e12)
    texts = ["940 FLOP", "3.2 MFLOP", "1.0 GFLOP", "75.9 GFLOP", "1.2 TFLOP"]
    assert [flop_count(n) for n in counts] == texts


def test_an_axis_has_the_unit_of_its_sizes():
    assert [memory_unit(n) for n in (7, 196_808, 800 * MIB)] == [
        (1, "bytes"),
        (1024, "KiB"),
        (MIB, "MiB"),
    ]
