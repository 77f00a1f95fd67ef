"""Boxes on one camera picture, each watched as a stream of its own: pens, animals, mosaic tiles.

0        0.5        1
+---------+---------+ 0      Region("pen1", 0, 0, 0.5, 0.5)
|  pen1   |  pen2   |        Region("pen2", 0.5, 0, 0.5, 0.5)
+---------+---------+ 0.5
|         feeder    |        Region("feeder", 0.4, 0.5, 0.6, 0.5)
+-------------------+ 1
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from vidmem.errors import SettingError
from vidmem.files import read_json

MIN_PIXELS = 8
"""A region has at least so many pixels of the source, across and down."""

MAX_REGIONS = 64
MAX_NAME_LETTERS = 60
ROUNDING = 1e-6
"""In floats three thirds may exceed 1: so far beyond the picture's edge counts as its edge."""

LISTED = "a list of objects with name, left, top, width and height"
WRITTEN = "name=left,top,width,height, in fractions of the picture, such as pen1=0,0,0.5,0.5"


@dataclass(frozen=True)
class Region:
    """A box on the picture as it is shown, in fractions of its width and height.

    Raises:
        SettingError: If it is empty or outside the picture, or has a name that names no file.
    """

    name: str
    """Also that of its file: letters, digits, spaces, `-`, `_` and `.`, of any language."""

    left: float
    top: float
    width: float
    height: float

    def __post_init__(self) -> None:
        _check_name(self.name)
        for field in fields(self)[1:]:
            _check_number(self.name, field.name, getattr(self, field.name))
        for side, start, size in (
            ("width", self.left, self.width),
            ("height", self.top, self.height),
        ):
            if size <= 0:
                raise SettingError(f"region {self.name}: {side} must be above 0, got {size:g}")
            if start < 0 or start + size > 1 + ROUNDING:
                raise SettingError(
                    f"region {self.name} must lie in the picture, from 0 to 1, got "
                    f"{start:g} to {start + size:g} of its {side}"
                )

    @classmethod
    def parse(cls, text: str) -> Self:
        """A region as it is typed: `pen1=0,0,0.5,0.5`.

        Raises:
            SettingError: If it is written otherwise, or is no region.
        """
        name, _, numbers = text.rpartition("=")
        try:
            left, top, width, height = (float(number) for number in numbers.split(","))
        except ValueError:
            raise SettingError(f"a region is written as {WRITTEN}; got {text!r}") from None
        return cls(name.strip(), left, top, width, height)

    @classmethod
    def tiles(cls, columns: int, rows: int) -> tuple[Self, ...]:
        """The tiles of a mosaic, all of one size, row by row.

        Raises:
            SettingError: If there are none, or too many.
        """
        if columns < 1 or rows < 1 or columns * rows > MAX_REGIONS:
            raise SettingError(
                f"tiles must be 1 to {MAX_REGIONS}, columns by rows, got {columns} x {rows}"
            )
        return tuple(
            cls(
                f"row{row + 1}-column{column + 1}",
                column / columns,
                row / rows,
                1 / columns,
                1 / rows,
            )
            for row in range(rows)
            for column in range(columns)
        )

    @classmethod
    def read_file(cls, path: str | Path) -> tuple[Self, ...]:
        """Regions from a JSON file: a list of objects with the fields of a region.

        Raises:
            SettingError: If it cannot be read, or holds something else.
        """
        try:
            entries = read_json(path)
        except OSError as error:
            raise SettingError(f"{path} cannot be read: {error.strerror or error}") from error
        except ValueError as error:
            raise SettingError(f"{path} must be JSON, {LISTED}: {error}") from error
        return cls.from_json(entries, str(path))

    @classmethod
    def from_json(cls, entries: Any, where: str) -> tuple[Self, ...]:
        """Regions from a list of objects with the fields of a region.

        Args:
            entries: As JSON has them.
            where: They are from, for what is said of them.

        Raises:
            SettingError: If it is something else.
        """
        names = {field.name for field in fields(cls)}
        if not isinstance(entries, list):
            raise SettingError(f"{where} must have {LISTED}, got {_kind(entries)}")
        for one in entries:
            if not isinstance(one, dict) or set(one) != names:
                raise SettingError(f"{where} must have {LISTED}, got {json.dumps(one)[:100]}")
        return tuple(cls(**one) for one in entries)

    @property
    def place(self) -> str:
        """Where it is, without its name."""
        return f"{self.left:.6g},{self.top:.6g},{self.width:.6g},{self.height:.6g}"

    def pixels(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Left, top, right and bottom on a picture of this size, in whole pixels.

        Raises:
            SettingError: If it is too small there to show anything.
        """
        left, right = round(self.left * width), round((self.left + self.width) * width)
        top, bottom = round(self.top * height), round((self.top + self.height) * height)
        right, bottom = min(right, width), min(bottom, height)
        if min(right - left, bottom - top) < MIN_PIXELS:
            raise SettingError(
                f"region {self.name} must have at least {MIN_PIXELS} x {MIN_PIXELS} pixels of the "
                f"video, which has {width} x {height}, got {right - left} x {bottom - top}"
            )
        return left, top, right, bottom


def check_regions(regions: Sequence[Region]) -> None:
    """Refuse none, too many, and two of a name.

    Raises:
        SettingError: With the name.
    """
    if not 1 <= len(regions) <= MAX_REGIONS:
        raise SettingError(f"regions must be 1 to {MAX_REGIONS}, got {len(regions)}")
    seen: set[str] = set()
    for region in regions:
        if region.name.casefold() in seen:  # one file on some systems
            raise SettingError(f"there are two regions {region.name!r}; give each its own name")
        seen.add(region.name.casefold())


def _check_name(name: Any) -> None:
    is_usable = (
        isinstance(name, str)
        and 0 < len(name) <= MAX_NAME_LETTERS
        and all(letter.isalnum() or letter in " -_." for letter in name)
        and name.strip(" .") == name
    )
    if not is_usable:
        raise SettingError(
            f"a region's name must have 1 to {MAX_NAME_LETTERS} letters, digits, spaces, '-', '_' "
            f"or '.', and neither begin nor end with a space or '.'; got {name!r}"
        )


def _check_number(name: str, side: str, value: Any) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value):
        raise SettingError(f"region {name}: {side} must be a number from 0 to 1, got {value!r}")


def _kind(value: object) -> str:
    return "an object" if isinstance(value, dict) else f"{value!r}"[:100]
