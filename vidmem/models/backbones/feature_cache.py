"""Features of whole videos on disk: mapped into memory, bounded, and complete or absent.

A file holds the numbers, then a line of JSON about them, then that line's length and a mark; the
mark is written last, and the file gets its name after that. Locks show what is in use: a reader's
is held by its mapping, so as long as the tensor lives; a writer's is on its unfinished file.
"""

from __future__ import annotations

import json
import logging
import math
import mmap
import os
import secrets
import sys
import time
import zlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import torch
from torch import Tensor

from vidmem.errors import StorageError
from vidmem.models.backbones.feature_key import ENDING, FeatureKey
from vidmem.models.download import cache_folder
from vidmem.units import GIB, MIB, memory_size

if sys.platform != "win32":
    import fcntl

UNFINISHED = ".part"

_MARK = b"vidmemF1"
_TAIL_BYTES = 8 + len(_MARK)  # the length of the JSON line, little-endian, then the mark
_ABANDONED_SECONDS = 60.0  # a younger unfinished file may be open and not locked yet
_DTYPES = {str(t).removeprefix("torch."): t for t in (torch.float16, torch.bfloat16, torch.float32)}

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class FeatureCache:
    """A folder of features that never holds more than `max_bytes`."""

    folder: Path = field(default_factory=lambda: cache_folder() / "features")
    """Made when something is written."""

    max_bytes: int = 2 * GIB
    """Beyond it, the features used longest ago are deleted; never those being written or in use."""

    def __post_init__(self) -> None:
        if self.max_bytes < 1:
            raise ValueError(f"max_bytes must be at least 1, got {self.max_bytes}")

    @property
    def num_bytes(self) -> int:
        """Bytes of all files in the folder, the unfinished ones included."""
        return sum(about.st_size for _, about in self._files())

    def find(self, key: FeatureKey) -> Tensor | None:
        """The features `[T, P, D]` of a video, if they are there and whole.

        They are mapped, not read into memory, and stay valid as long as the tensor (or a view of
        it) lives. Changing them changes a copy, never the file. All bytes are read once to check
        them: about half a second for 1 GiB.
        """
        path = self.folder / key.file_name
        try:
            with path.open("rb") as file:
                _lock(file, is_exclusive=False)
                features = _map_features(file, key)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            _log.warning("features in %s are not used, they are damaged: %s", path, error)
            return None
        try:
            os.utime(path)  # used just now, so deleted last
        except OSError:
            _log.debug("%s could not be marked as used", path)
        return features

    def writer(
        self,
        key: FeatureKey,
        dtype: torch.dtype = torch.float16,
        num_frames: int | None = None,
    ) -> FeatureWriter:
        """Where to put the features of a video, piece by piece; see `FeatureWriter`."""
        return FeatureWriter(self, key, dtype, num_frames)

    def make_room(self, num_bytes: int) -> None:
        """Delete what was used longest ago, until as much more may be written.

        Raises:
            StorageError: If what is left is all in use.
        """
        files = sorted(self._files(), key=lambda item: item[1].st_mtime_ns)
        total = sum(about.st_size for _, about in files)
        for path, about in files:
            is_abandoned = time.time() - about.st_mtime > _ABANDONED_SECONDS
            is_unfinished = path.suffix == UNFINISHED
            is_to_go = is_abandoned if is_unfinished else total + num_bytes > self.max_bytes
            if is_to_go and _delete_unless_in_use(path):
                total -= about.st_size
        if total + num_bytes > self.max_bytes:
            raise StorageError(
                f"the features do not fit into {self.folder}, which may hold "
                f"{memory_size(self.max_bytes)}: give it more with max_bytes, or make fewer with "
                "a lower fps or tokens_per_frame"
            )

    def _files(self) -> list[tuple[Path, os.stat_result]]:
        files = []
        for path in self.folder.glob("*"):
            if path.suffix in (ENDING, UNFINISHED):
                try:
                    files.append((path, path.stat()))
                except OSError:  # another process has just deleted it
                    continue
        return files


class FeatureWriter:
    """Features of one video on their way to disk; nothing is kept in memory.

    A context manager: the features appear in the cache when it is left without an exception. Left
    with one, or never left, it adds nothing.

    Args:
        cache: The cache to write to.
        key: The video, and how it was sampled.
        dtype: float16, bfloat16 or float32.
        num_frames: Frames of the whole video; with fewer nothing is kept. `None`: unknown.

    Raises:
        ValueError: If the dtype is another.
    """

    def __init__(
        self,
        cache: FeatureCache,
        key: FeatureKey,
        dtype: torch.dtype = torch.float16,
        num_frames: int | None = None,
    ) -> None:
        if dtype not in _DTYPES.values():
            raise ValueError(f"dtype must be {', '.join(_DTYPES)}, got {dtype}")
        self.num_frames = 0
        self._wanted_frames = num_frames
        self._cache, self._key, self._dtype = cache, key, dtype
        self._frame_shape: tuple[int, ...] | None = None
        self._crc32 = 0
        # A random part in the name: two processes may write the features of one video at once.
        self._part = cache.folder / f"{key.file_name}.{secrets.token_hex(4)}{UNFINISHED}"
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self._cache.folder.mkdir(parents=True, exist_ok=True)
            self._file = self._part.open("wb")
        except OSError as error:
            raise self._storage_error(error) from error
        _lock(self._file, is_exclusive=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            is_whole = self.num_frames and self._wanted_frames in (None, self.num_frames)
            if kind is None and is_whole:
                self._complete()
        except OSError as failure:
            raise self._storage_error(failure) from failure
        finally:
            self._discard()

    def append(self, features: Tensor) -> None:
        """Write the features of the next frames.

        Args:
            features: `[T, P, D]`, on any device.

        Raises:
            ValueError: If the shape differs from that of the frames before, or a value is not
                finite in the cache's dtype.
            StorageError: If the disk is full, or the cache has no room.
        """
        if self._file is None:
            raise ValueError("features can be written inside `with cache.writer(key)` only")
        self._check_shape(features)
        kept = features.detach().to(self._dtype).cpu().contiguous()
        if not bool(kept.isfinite().all()):
            raise ValueError(
                f"features must be finite in {self._dtype}; give dtype=torch.bfloat16 if they "
                "are too large for it"
            )
        data = kept.reshape(-1).view(torch.uint8).numpy().data
        self._cache.make_room(len(data))  # before writing: the folder never holds more than it may
        try:
            self._file.write(data)
            self._file.flush()  # other processes count this file by its size on disk
        except OSError as error:
            raise self._storage_error(error) from error
        self._crc32 = zlib.crc32(data, self._crc32)
        self.num_frames += len(features)

    def _check_shape(self, features: Tensor) -> None:
        shape = tuple(features.shape)
        if len(shape) != 3:
            raise ValueError(f"features must have shape [T, P, D], got {list(shape)}")
        if self._frame_shape is None:
            self._frame_shape = shape[1:]
        if shape[1:] != self._frame_shape:
            raise ValueError(
                f"the frames before had {list(self._frame_shape)} tokens and width, got "
                f"{list(shape[1:])}"
            )

    def _complete(self) -> None:
        assert self._file is not None
        assert self._frame_shape is not None
        about = {
            "key": asdict(self._key),
            "shape": [self.num_frames, *self._frame_shape],
            "dtype": str(self._dtype).removeprefix("torch."),
            "crc32": self._crc32,
        }
        line = json.dumps(about).encode()
        tail = line + len(line).to_bytes(8, "little") + _MARK
        self._cache.make_room(len(tail))
        self._file.write(tail)
        self._file.flush()
        os.fsync(self._file.fileno())  # the bytes must be on the disk before the name is
        self._file.close()
        self._part.replace(self._cache.folder / self._key.file_name)

    def _discard(self) -> None:
        if self._file is not None:
            try:
                self._file.close()
            except OSError:
                _log.debug("%s could not be closed", self._part)
            self._file = None
        try:
            self._part.unlink(missing_ok=True)
        except OSError:
            _log.warning("%s could not be deleted", self._part)

    def _storage_error(self, error: OSError) -> StorageError:
        return StorageError(
            f"the features of {self._key.video} could not be written to {self._cache.folder}: "
            f"{error.strerror or error}; free some space, or set VIDMEM_CACHE to another folder"
        )


def _map_features(file: IO[bytes], key: FeatureKey) -> Tensor:
    """The features in an open file; the mapping holds the file's lock until it is freed.

    Raises:
        ValueError: If the file is damaged (also KeyError, TypeError), or of another key.
    """
    about, num_bytes = _read_about(file)
    dtype, shape = _DTYPES[about["dtype"]], tuple(int(n) for n in about["shape"])
    if about["key"] != asdict(key):
        raise ValueError("it is of another video, backbone or setting")
    if num_bytes != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"{num_bytes} bytes are not {list(shape)} of {dtype}")
    file.seek(0)
    crc32, left = 0, num_bytes
    while left:
        block = file.read(min(MIB, left))
        if not block:
            raise ValueError("it ends early")
        crc32, left = zlib.crc32(block, crc32), left - len(block)
    if crc32 != about["crc32"]:
        raise ValueError("its checksum is wrong")
    # The mapping duplicates the descriptor, so the lock outlives `file`; the tensor keeps the
    # mapping. ACCESS_COPY: a tensor that is changed gets its own pages, the file stays as it is.
    mapping = mmap.mmap(file.fileno(), num_bytes, access=mmap.ACCESS_COPY)
    return torch.frombuffer(mapping, dtype=dtype).view(shape)


def _read_about(file: IO[bytes]) -> tuple[dict[str, Any], int]:
    """The line about the features, and how many bytes they are."""
    size = os.fstat(file.fileno()).st_size
    if size < _TAIL_BYTES:
        raise ValueError("it is too short")
    file.seek(size - _TAIL_BYTES)
    tail = file.read(_TAIL_BYTES)
    num_bytes = size - _TAIL_BYTES - int.from_bytes(tail[:8], "little")
    if tail[8:] != _MARK or num_bytes <= 0:
        raise ValueError("it has no end mark")
    file.seek(num_bytes)
    about = json.loads(file.read(size - _TAIL_BYTES - num_bytes))
    return about, num_bytes


def _lock(file: IO[bytes], *, is_exclusive: bool) -> bool:
    """Whether the lock was free."""
    # On Windows an open file cannot be deleted, which is protection enough.
    if sys.platform != "win32":
        kind = fcntl.LOCK_EX if is_exclusive else fcntl.LOCK_SH
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except OSError:  # held by another, or a network folder without locks
            return False
    return True


def _delete_unless_in_use(path: Path) -> bool:
    """Whether it is gone."""
    try:
        with path.open("rb") as file:
            is_free = _lock(file, is_exclusive=True)
        if is_free:
            path.unlink(missing_ok=True)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return is_free
