"""What a table is of, in lines above its header, so that one file says all of itself.

    # vidmem
    # model: memvit
    # settings: fps=4; bouts: threshold 0.5, bouts of at least 2 s
    # versions: vidmem 0.1.0
    # video: pen 2.mp4
    # start: 2026-05-01T06:00:00
    # duration_seconds: 3600.000
    # fps: 25
    video,start_seconds,end_seconds,label,...

Each video's line is followed by what is known of it. Spreadsheets show the lines as rows of one
cell; pandas skips them with `comment="#"`. A spreadsheet that saves the table again puts separators
behind them, which are no part of a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from vidmem.labels.bout import LabelledVideo
from vidmem.labels.formats.collecting import clean_name, duration_or_none, fps_or_none
from vidmem.labels.formats.format import About
from vidmem.labels.formats.tables import decimal

MAX_LINES = 2_000
_FIRST = "# vidmem"
_LINE = re.compile(r'"?# (\w+): (.*)')
_SEPARATORS = ",;\t"


@dataclass(frozen=True)
class HeaderBlock:
    """What the lines say."""

    about: About
    videos: tuple[LabelledVideo, ...]
    num_lines: int


def header_block(about: About, videos: Iterable[LabelledVideo]) -> str:
    """The lines, each ended by a line feed.

    Args:
        about: Where what is below comes from.
        videos: Of which it is.
    """
    lines = [_FIRST, *(f"# {line}" for line in about.lines())]
    for one in videos:
        lines.append(f"# video: {one.name}")
        if one.start is not None:
            lines.append(f"# start: {one.start.isoformat()}")
        if one.duration_seconds is not None:
            lines.append(f"# duration_seconds: {decimal(one.duration_seconds)}")
        if one.fps is not None:
            lines.append(f"# fps: {one.fps:.10g}")
    return "".join(f"{line}\n" for line in lines)


def is_header_block(text: str) -> bool:
    """Whether a text begins with such lines."""
    return text.lstrip('"').startswith(_FIRST)


def read_header_block(text: str) -> HeaderBlock:
    """What the lines at the beginning of a text say; what of it cannot be is left out."""
    facts: dict[str, str] = {}
    videos: list[dict[str, str]] = []
    num_lines = 0
    for line in text.split("\n", MAX_LINES)[:MAX_LINES]:
        if not line.lstrip('"').startswith("#"):
            break
        num_lines += 1
        found = _LINE.match(line.rstrip(_SEPARATORS))
        if found is None:
            continue
        name, value = found[1], clean_name(_unquoted(line, found[2]))
        if name == "video" and value:
            videos.append({"name": value})
        elif name in ("start", "duration_seconds", "fps") and videos:
            videos[-1].setdefault(name, value)
        else:
            facts.setdefault(name, value)
    about = About(**{name: facts.get(name, "") for name in ("model", "settings", "versions")})
    return HeaderBlock(about, tuple(map(_video, videos)), num_lines)


def _unquoted(line: str, value: str) -> str:
    """As it was before a spreadsheet put quotes around a cell with separators in it."""
    if not line.startswith('"'):
        return value
    return value.removesuffix('"').replace('""', '"')


def _video(facts: dict[str, str]) -> LabelledVideo:
    try:
        start = datetime.fromisoformat(facts["start"])
    except (KeyError, ValueError):
        start = None
    return LabelledVideo(
        facts["name"],
        duration_or_none(facts.get("duration_seconds")),
        fps_or_none(facts.get("fps")),
        start,
    )
