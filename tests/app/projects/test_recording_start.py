"""When a recording began: what a name says, what a file says, and what somebody types."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.projects.recording_start import start_in_name, start_of, typed_start
from vidmem.errors import SettingError

MAY = datetime(2026, 5, 3, 2, 14, 36)
FORMS = (
    *("%Y-%m-%d_%H-%M-%S", "%Y%m%dT%H%M%S", "%Y%m%d_%H%M%S", "%Y%m%d%H%M%S", "%Y-%m-%d %H.%M.%S"),
    *("%Y_%m_%d_%H_%M_%S", "%Y.%m.%d-%H%M%S", "%Y-%m-%d at %H.%M.%S"),
)


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2099, 12, 31)),
    st.sampled_from(FORMS),
    st.sampled_from(["", "CAM09_", "pen 4 ", "ch01-"]),
    st.sampled_from(["", "_1", " (2)", "-main"]),
)
def test_a_name_is_read_in_every_form_and_with_what_stands_around_it(when, form, before, behind):
    when = when.replace(microsecond=0)
    name = f"{before}{when.strftime(form)}{behind}.mp4"
    assert start_in_name(name) == when


@pytest.mark.parametrize(
    "name",
    [
        *("pen.mp4", "20260503.mp4", "03-05-2026_02-14-36.mp4", "2026-13-03_02-14-36.mp4"),
        *("2026-05-03_25-14-36.mp4", "2026-02-30_02-14-36.mp4", "120260503021436.mp4"),
        "2026-05-03_02-14-36_to_2026-05-03_03-14-36.mp4",
    ],
)
def test_what_is_no_time_or_could_be_another_one_is_left_alone(name):
    assert start_in_name(name) is None


def test_the_same_time_twice_is_no_doubt_and_fractions_count():
    assert start_in_name("20260503_021436/2026-05-03 02.14.36.avi") == MAY
    assert start_in_name("PXL_20260503_021436250.mp4") == MAY + timedelta(milliseconds=250)
    assert start_in_name("20260503T021436Z.mp4") == MAY.replace(tzinfo=UTC)


def test_the_name_goes_before_what_the_file_says_and_each_is_said():
    said = SimpleNamespace(recorded_at="2026-06-01T00:00:00+00:00")
    assert start_of("CAM09_20260503021436.mp4", said) == (MAY, "name")
    found = start_of("pen.mp4", said)
    assert found is not None
    assert (found[0].timestamp(), found[1]) == (
        datetime(2026, 6, 1, tzinfo=UTC).timestamp(),
        "metadata",
    )
    assert start_of("pen.mp4", SimpleNamespace(recorded_at="")) is None


def test_a_typed_start_is_a_date_and_a_time_or_nothing():
    assert typed_start(" 2026-05-03 02:14:36 ") == MAY == typed_start("2026-05-03T02:14:36")
    assert typed_start("  ") is None
    for text in ("soon", "2026-05-03", "02:14", "0001-05-03 02:14:36", "9" * 5000):
        with pytest.raises(SettingError, match="a date and a time, such as 2026-05-03 02:14:36"):
            typed_start(text)
