"""What a page wants to stream: ticked videos and cameras, or regions of one picture; checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.pages.api import MalformedRequestError
from app.pages.streams.tile import StreamRequest
from app.pages.streams.wording import MAX_STREAMS, too_many
from app.sources.live import address_video
from app.sources.shelf import VideoShelf
from vidmem.errors import SettingError
from vidmem.streaming import Region
from vidmem.video import AddressPolicy

MAX_NAME = 40


def stream_requests(
    shelf: VideoShelf,
    run_id: str,
    fields: Mapping[str, Any],
    *,
    policy: AddressPolicy | None = None,
) -> list[StreamRequest]:
    """The streams that a page wants.

    Either `{"videos": [key], "addresses": [text]}`, or `{"video": key, "regions": [...]}`. Where
    addresses may lead for this visitor, if anywhere, is in `policy`.

    Raises:
        VidmemError: If a video is not there, a region is none, or an address is not opened here.
    """
    if regions := _list(fields, "regions", dict):
        video = shelf.find(run_id, str(fields.get("video")))
        _check_count(regions)
        names = _unlike([str(one.get("name", ""))[:MAX_NAME].strip() for one in regions])
        boxes = [_region(name, one) for name, one in zip(names, regions, strict=True)]
        return [StreamRequest(video=video, title=box.name, region=box) for box in boxes]
    keys, addresses = _list(fields, "videos", str), _list(fields, "addresses", str)
    _check_count([*keys, *addresses])
    videos = [shelf.find(run_id, key) for key in keys]
    videos += [address_video(address, policy) for address in addresses]
    titles = _unlike([video.title.rsplit("://", 1)[-1] for video in videos])
    return [
        StreamRequest(video=video, title=title) for video, title in zip(videos, titles, strict=True)
    ]


def _list(fields: Mapping[str, Any], name: str, kind: type) -> list[Any]:
    """A field that is a list, whose members are all of one kind; empty where it is left out."""
    values = fields.get(name) or []
    if not isinstance(values, list) or not all(isinstance(one, kind) for one in values):
        raise MalformedRequestError(f"{name} must be a list of {kind.__name__}")
    return values


def _check_count(wanted: Sequence[Any]) -> None:
    if len(wanted) > MAX_STREAMS:
        raise SettingError(too_many(0, len(wanted)))


def _region(name: str, box: Mapping[str, Any]) -> Region:
    try:
        return Region(name, *(box[side] for side in ("left", "top", "width", "height")))
    except (KeyError, TypeError, OverflowError) as error:
        raise MalformedRequestError("a region has left, top, width and height") from error


def _unlike(names: Sequence[str]) -> list[str]:
    """Names that differ, also where case does not count: a second `pen` is `pen 2`."""
    unlike: dict[str, str] = {}
    for name in names:
        free, number = name, 1
        while free.casefold() in unlike:
            number += 1
            free = f"{name} {number}"
        unlike[free.casefold()] = free
    return list(unlike.values())
