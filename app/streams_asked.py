"""What a page asks to stream: ticked videos and cameras, or regions of one picture; checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app import live_text, streams_text
from app.live import address_video
from app.streams_tile import Place
from app.videos import VideoShelf
from vidmem.errors import SettingError
from vidmem.streaming import Region

MAX_NAME = 40


def places_asked(
    shelf: VideoShelf,
    run_id: str,
    asked: Mapping[str, Any],
    *,
    may_watch_addresses: bool = False,
) -> list[Place]:
    """The places that a page asks for.

    Either `{"videos": [key], "addresses": [text]}`, or `{"video": key, "regions": [...]}`.

    Raises:
        VidmemError: If a video is not there, a region is none, or an address is not opened here.
    """
    if regions := asked.get("regions"):
        video = shelf.find(run_id, str(asked.get("video")))
        _check_count(regions)
        names = _unlike([str(one.get("name", ""))[:MAX_NAME].strip() for one in regions])
        found = [_region(name, one) for name, one in zip(names, regions, strict=True)]
        return [Place(video=video, title=one.name, region=one) for one in found]
    keys, addresses = asked.get("videos") or [], asked.get("addresses") or []
    _check_count([*keys, *addresses])
    if addresses and not may_watch_addresses:
        raise SettingError(live_text.NOT_ALLOWED)
    videos = [shelf.find(run_id, str(key)) for key in keys]
    videos += [address_video(str(one)) for one in addresses]
    titles = _unlike([video.title.rsplit("://", 1)[-1] for video in videos])
    return [Place(video=one, title=title) for one, title in zip(videos, titles, strict=True)]


def _check_count(asked: Sequence[Any]) -> None:
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
