"""Files of labels, from anywhere: read within bounds, decoded with a sentence, written at once."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from vidmem.errors import LabelError, StorageError
from vidmem.files import parse_json, read_bounded

MAX_BYTES = 64 * 2**20
"""Of a file of labels, unpacked: a day of ten animals has under a tenth of it."""

MAX_JSON_BYTES = 32 * 2**20

_UTF8_BOM, _UTF16_BOMS = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")
_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"


@dataclass(frozen=True)
class Source:
    """A file of labels, as bytes.

    Raises:
        LabelError: From its properties, if it is not what they need.
    """

    path: Path
    data: bytes

    @classmethod
    def open(cls, path: Path) -> Source:
        """Read a file; one packed with gzip is unpacked.

        Raises:
            LabelError: If it cannot be read, is no regular file, or is too large.
        """
        try:
            data = read_bounded(path, MAX_BYTES)
        except OSError as error:
            if error.errno == errno.EFBIG:
                raise LabelError(f"{path} has more than {MAX_BYTES >> 20} MiB; split it") from error
            raise LabelError(f"{path} cannot be read: {error.strerror or error}") from error
        except ValueError as error:  # a NUL in its name
            raise LabelError(f"{path!s:.200} is no name of a file: {error}") from error
        return cls(path, _unpacked(path, data) if data.startswith(_GZIP) else data)

    @property
    def is_zip(self) -> bool:
        """Whether it is a ZIP archive, as an XLSX is."""
        return self.data.startswith(_ZIP)

    @cached_property
    def text(self) -> str:
        """As text, without a byte order mark, lines ended by a line feed alone."""
        try:
            if self.data.startswith(_UTF16_BOMS):  # "Unicode text" of spreadsheets
                text = self.data.decode("utf-16")
            else:
                text = self.data.removeprefix(_UTF8_BOM).decode("utf-8")
        except UnicodeDecodeError as error:
            raise LabelError(
                f"{self.path} is no text in UTF-8 (byte {error.start}); save it as UTF-8, in a "
                'spreadsheet as "CSV UTF-8"'
            ) from error
        if "\0" in text:
            raise LabelError(f"{self.path} has NUL characters, so it is no text; save it anew")
        return text.replace("\r\n", "\n").replace("\r", "\n")

    @cached_property
    def json(self) -> Any:
        """As JSON."""
        if len(self.data) > MAX_JSON_BYTES:  # its values take thirty times as much memory
            raise LabelError(f"{self.path} has more than {MAX_JSON_BYTES >> 20} MiB; split it")
        try:
            return parse_json(self.text)
        except ValueError as error:  # also a number of thousands of digits
            raise LabelError(f"{self.path} is no JSON: {error}") from error

    @property
    def head(self) -> str:
        """How the text begins, for telling formats apart; empty where it is none."""
        try:
            return self.text[:65536]
        except LabelError:
            return ""


def video_name(path: str) -> str:
    """The name by which a video at a path is known: of an absolute path the file's name alone.

    It is another machine's path, so what lies before the name says nothing here.
    """
    path = path.strip().removeprefix("file://")
    if PureWindowsPath(path).drive or path.startswith("\\\\"):
        return PureWindowsPath(path).name
    return PurePosixPath(path).name if path.startswith("/") else path.removeprefix("./")


def stem_of(video: str) -> str:
    """The name of a video without its ending, fit for the name of a file."""
    return safe_name(Path(video).stem) or "video"


def path_for(path: Path, parts: list[str], is_only: bool) -> Path:
    """The path of one of several files: `out.vtt`, or `out.pen 2.vtt` where there are more."""
    if is_only:
        return path
    name = ".".join([stem_of(parts[0]), *parts[1:]])
    return path.with_name(f"{path.stem}.{safe_name(name)}{path.suffix}")


def safe_name(name: str) -> str:
    """A name that any file system takes."""
    return "".join("_" if one in '/\\\0:*?"<>|' else one for one in name)


def write_files(files: Mapping[Path, bytes], *, overwrite: bool) -> None:
    """Write all files, each at once; those that are there are not touched before all are written.

    Args:
        files: By path.
        overwrite: Take the place of files that are there.

    Raises:
        StorageError: If one is there and may not be overwritten, or cannot be written; then none
            is changed, unless renaming fails on the way.
    """
    for path in files:
        if os.path.lexists(path) and not overwrite:
            raise StorageError(f"{path} is there already; give another name, or --force")
        if path.is_dir():
            raise StorageError(f"{path} is a folder; name a file in it")
    temporary: dict[Path, Path] = {}
    path = Path()
    try:
        for path, data in files.items():
            temporary[path] = beside = path.with_name(f".{secrets.token_hex(8)}.tmp")
            with open(beside, "xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        for path, beside in temporary.items():
            _take_name(beside, path, overwrite=overwrite)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise StorageError(f"{path} cannot be written: {reason}") from error
    finally:
        for beside in temporary.values():
            with contextlib.suppress(OSError, ValueError):
                beside.unlink(missing_ok=True)


def _take_name(beside: Path, path: Path, *, overwrite: bool) -> None:
    if overwrite:
        beside.replace(path)
        return
    try:
        os.link(beside, path)  # fails where a name was taken meanwhile, as renaming does not
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if os.path.lexists(path):
            raise
        beside.rename(path)


def _unpacked(path: Path, data: bytes) -> bytes:
    try:
        unpacker = zlib.decompressobj(wbits=31)
        text = unpacker.decompress(data, MAX_BYTES + 1)
    except zlib.error as error:
        raise LabelError(f"{path} is a damaged gzip file: {error}") from error
    if len(text) > MAX_BYTES:
        raise LabelError(f"{path} has more than {MAX_BYTES >> 20} MiB when unpacked; split it")
    if not unpacker.eof:
        raise LabelError(f"{path} is a damaged gzip file: its end is missing")
    return text
