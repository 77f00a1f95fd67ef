"""`--region`, `--tiles` and `--regions`: boxes on the picture, as a user types them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vidmem.errors import SettingError

if TYPE_CHECKING:
    from vidmem.streaming import Region


def parse_tiles(text: str) -> tuple[Region, ...]:
    """Regions from columns and rows as they are typed: `2x2`.

    Raises:
        SettingError: If it is written otherwise.
    """
    from vidmem.streaming import Region

    match = re.fullmatch(r"\s*(\d{1,4})\s*[x×*]\s*(\d{1,4})\s*", text, re.IGNORECASE)  # noqa: RUF001
    if match is None:
        raise SettingError(f"tiles are written as columns x rows, such as 2x2, got {text!r}")
    return Region.tiles(int(match[1]), int(match[2]))


def regions_of(
    region: Sequence[str] | None, tiles: str | None, file: Path | None
) -> tuple[Region, ...]:
    """All regions that the options name; none where there is no such option.

    Raises:
        SettingError: If one is no region, or two have one name.
    """
    from vidmem.streaming import Region
    from vidmem.streaming.feeds.regions import check_regions

    regions = tuple(Region.parse(text) for text in region or ())
    if tiles is not None:
        regions += parse_tiles(tiles)
    if file is not None:
        regions += Region.read_file(file)
    if regions or file is not None:
        check_regions(regions)
    return regions


def check_parts(parts: Sequence[Region], videos: Sequence[str]) -> None:
    """Refuse regions of more than one video, and of a live one.

    Raises:
        SettingError: With what to do.
    """
    from vidmem.streaming.feeds.feed import check_is_file

    if parts and len(videos) > 1:
        raise SettingError(
            f"--region, --tiles and --regions are for one video, got {len(videos)}: give one, or "
            "watch the others by a command of their own"
        )
    if parts:
        check_is_file(videos[0])
