"""What a bout, a span and a video may be."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest

from vidmem.errors import LabelError
from vidmem.labels import Bout, LabelledVideo, Span


def test_times_are_kept_to_a_microsecond():
    bout = Bout("a.mp4", 1.9999999, 2.50000004, "lying")
    assert (bout.start_seconds, bout.end_seconds) == (2.0, 2.5)
    assert bout == Bout("a.mp4", np.float32(2), np.int64(5) / 2, "lying")
    assert type(Bout("a.mp4", np.float64(1), 2, "lying").start_seconds) is float
    assert str(Bout("a.mp4", -1e-9, 2, "lying").start_seconds) == "0.0"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"start_seconds": float("nan")}, "finite number of seconds, got nan"),
        ({"end_seconds": float("inf")}, "the end of a bout of lying must be a finite"),
        ({"end_seconds": 1e308}, r"to 1000000000 seconds, got 1e\+308"),
        ({"start_seconds": -0.1}, "from 0 .the start of the video. to"),
        ({"start_seconds": 3}, "must end after it starts, got 3 to 2 s"),
        ({"start_seconds": True}, "must be a number of seconds"),
        ({"start_seconds": "1"}, "must be a number of seconds"),
        ({"end_seconds": 1e12}, "from 0"),
        ({"video": ""}, "must not be empty"),
        ({"behaviour": "a\u2028b"}, "one line"),
        ({"subject": "a\tb"}, "one line"),
        ({"author": "a\r"}, "one line"),
        ({"comment": "a\x00"}, "no control characters but line breaks"),
        ({"score": 1.5}, "from 0 to 1, got 1.5"),
        ({"score": float("nan")}, "from 0 to 1, got nan"),
        ({"source": "import"}, "'human' or 'model', got 'import'"),
    ],
)
def test_what_a_bout_cannot_be(fields, message):
    good = {"video": "a.mp4", "start_seconds": 1, "end_seconds": 2, "behaviour": "lying"}
    with pytest.raises(LabelError, match=message):
        Bout(**{**good, **fields})


def test_names_of_any_script_are_fine():
    bout = Bout(
        "Stall\u00e4 \u8c5a.mp4",
        0,
        1,
        "l\u00e4pp \U0001f416",
        "\u0635\u0628\u0627\u062d",
        comment="one\ntwo\tthree",
    )
    assert "\U0001f416" in str(bout)


def test_a_point_is_an_instant():
    point = Bout("a.mp4", 1, 1, "rolling")
    assert point.is_point and point.num_seconds == 0
    assert point.clipped(1, 2) is point and point.clipped(0, 1) is None


def test_clipping_leaves_nothing_shorter_than_an_instant():
    bout = Bout("a.mp4", 1, 3, "lying")
    assert bout.clipped(2, 9).start_seconds == 2
    assert bout.clipped(0, 9) is bout
    assert bout.clipped(2.999999, 9) is None
    assert bout.clipped(3, 9) is None


def test_a_span_lasts():
    with pytest.raises(LabelError, match="longer than a microsecond, got 1 to 1 s"):
        Span("a.mp4", 1, 1.0000001)


def test_what_is_known_of_a_video():
    start = datetime(2026, 5, 1, 6)
    known = LabelledVideo("a.mp4", 1800, start=start)
    assert known.completed(LabelledVideo("a.mp4", 5, 25)) == LabelledVideo("a.mp4", 1800, 25, start)
    assert known.agrees(LabelledVideo("a.mp4", 1800.0004, 25))
    assert not known.agrees(LabelledVideo("a.mp4", 1801))
    for fields in ({"fps": 0}, {"fps": float("nan")}, {"duration_seconds": -1}, {"start": "6:00"}):
        with pytest.raises(LabelError, match=r"of a.mp4"):
            LabelledVideo("a.mp4", **fields)
