"""When a recording began: by the name of its file, by what the file says of itself, or typed."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Protocol

from vidmem.errors import SettingError
from vidmem.projects import StartFrom

# 2026-05-03_02-14-36, 20260503T021436Z, CAM09_20260503021436, PXL_20260503_021436123
_IN_NAME = re.compile(
    r"""(?<!\d)
    (?P<year>(?:19|20)\d\d) (?P<in_date>[-_.]?) (?P<month>\d\d) (?P=in_date) (?P<day>\d\d)
    (?:[ T_.-]{0,3}|[_ ]at[_ ])
    (?P<hour>\d\d) (?P<in_time>[-_.:]?) (?P<minute>\d\d) (?P=in_time) (?P<second>\d\d)
    (?P<milli>\d{3})? (?!\d) (?P<zone>Z(?![a-z]))?""",
    re.VERBOSE | re.IGNORECASE,
)
HOW = "a start is a date and a time, such as 2026-05-03 02:14:36"
FIRST_YEAR, LAST_YEAR = 1990, 2200


class RecordedFile(Protocol):
    """What a file says of itself, as `vidmem.video.VideoInfo`."""

    @property
    def recorded_at(self) -> str:
        """In ISO 8601; empty where it does not say."""
        ...


def start_of(name: str, info: RecordedFile) -> tuple[datetime, StartFrom] | None:
    """When a recording began and how that is known; `None`: nothing says it.

    The name first: recorders write it by the clock on the wall, and what else a file says is often
    when it was copied or cut.
    """
    if (by_name := start_in_name(name)) is not None:
        return by_name, "name"
    if info.recorded_at:
        when = datetime.fromisoformat(info.recorded_at)
        # By the clock on the wall: times in UTC are those of this machine's place.
        return (when.astimezone() if when.utcoffset() is not None else when), "metadata"
    return None


def start_in_name(name: str) -> datetime | None:
    """The date and time in a name; `None` where there is none, or several that differ.

    Only forms that begin with the year are taken: of 03-05-2026 nobody can tell which is the month.
    """
    found = {when for match in _IN_NAME.finditer(name) if (when := _when(match)) is not None}
    return found.pop() if len(found) == 1 else None


def typed_start(text: str) -> datetime | None:
    """What somebody typed; `None` for nothing.

    Raises:
        SettingError: If it is no date and time.
    """
    text = text.strip()
    if not text:
        return None
    try:
        when = datetime.fromisoformat(text)
    except ValueError as error:
        raise SettingError(f"{HOW}; got {text[:60]!r}") from error
    if ":" not in text or not FIRST_YEAR <= when.year <= LAST_YEAR:
        raise SettingError(f"{HOW}; got {text[:60]!r}")
    return when


def _when(match: re.Match[str]) -> datetime | None:
    date = "-".join(match[part] for part in ("year", "month", "day"))
    time = ":".join(match[part] for part in ("hour", "minute", "second"))
    try:
        when = datetime.fromisoformat(f"{date}T{time}")
    except ValueError:
        return None  # a thirteenth month
    when = when.replace(microsecond=1000 * int(match["milli"] or 0))
    return when.replace(tzinfo=UTC).astimezone() if match["zone"] else when
