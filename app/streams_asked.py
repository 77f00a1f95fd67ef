"""What a page asks to stream: ticked videos, or regions of one picture; checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app import streams_text
from app.streams_tile import Place
from app.videos import VideoShelf
from vidmem.errors import SettingError
from vidmem.streaming import Region

MAX_NAME = 40


def places_asked(shelf: VideoShelf, run_id: str, asked: Mapping[str, Any]) -> list[Place]:
    """The places that a page asks for: `{"videos": [key]}`, or `{"video": key, "regions": [...]}`.

    Raises:
        VidmemError: If a video is not there, or a region is none.
    """
    if regions := asked.get("regions"):
        video = shelf.find(run_id, str(asked.get("video")))
        _check_count(regions)
        names = _unlike([str(one.get("name", ""))[:MAX_NAME].strip() for one in regions])
        found = [_region(name, one) for name, one in zip(names, regions, strict=True)]
        return [Place(video=video, title=one.name, region=one) for one in found]
    keys = asked.get("videos") or []
    _check_count(keys)
    videos = [shelf.find(run_id, str(key)) for key in keys]
    titles = _unlike([video.title for video in videos])
    return [Place(video=one, title=title) for one, title in zip(videos, titles, strict=True)]


def _check_count(asked: Sequence[Any]) -> None:
    if not isinstance(asked, list):
        raise SettingError(streams_text.NOTHING_ASKED)
    if len(asked) > streams_text.MAX_STREAMS:
        raise SettingError(streams_text.too_many(0, len(asked)))


def _region(name: str, asked: Mapping[str, Any]) -> Region:
    try:
        return Region(name, *(asked[side] for side in ("left", "top", "width", "height")))
    except (KeyError, TypeError) as error:
        raise SettingError(f"a region has left, top, width and height, got {asked!r}") from error


def _unlike(names: Sequence[str]) -> list[str]:
    """Names that differ, also where case does not count: a second `pen` is `pen 2`."""
    told: dict[str, str] = {}
    for name in names:
        free, number = name, 1
        while free.casefold() in told:
            number += 1
            free = f"{name} {number}"
        told[free.casefold()] = free
    return list(told.values())
