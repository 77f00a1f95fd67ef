"""What can be downloaded of many streams: all their predictions, and the figures."""

from __future__ import annotations

import tempfile
import time
import zipfile
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import IO, Any

from app.pages.streams.pool_run import PoolRun
from app.pages.streams.wording import where
from app.run.results.files import CHUNK_BYTES, CsvFolder
from vidmem.plain import to_json

MAX_IN_MEMORY = 8 * 2**20


def figures_json(pool: PoolRun) -> bytes:
    """The figures of a pool and of each of its streams, as they are now."""
    card = pool.model.card
    content = {
        "made": datetime.now().astimezone().isoformat(timespec="seconds"),
        "model": card.name,
        "on": where(pool.model),
        "classes": list(card.class_names),
        "pool": pool.figures(),
        "streams": [_stream(tile, figures) for tile, figures in pool.streams()],
        "memory_over_time": pool.footprint().as_dict(),
    }
    return to_json(content, indent=1).encode()


def _stream(tile: Any, figures: Any) -> dict[str, Any]:
    facts = tile.facts(figures)
    numbers = {} if figures is None else {**asdict(figures), "error": None}
    kept = ("title", "video", "region", "total", "l_mem", "at", "label", "probability", "sentence")
    shown = {name: facts[name] for name in kept if name in facts}
    return {**numbers, **shown, "status": facts["status"], "times_real_time": facts["speed"]}


def all_predictions(files: CsvFolder, run_id: str) -> Iterator[bytes]:
    """A zip of the predictions of all streams of a run, those that left included."""
    room: IO[bytes]
    with tempfile.SpooledTemporaryFile(MAX_IN_MEMORY) as room:
        with zipfile.ZipFile(room, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in files.names(run_id):
                _put(archive, files, run_id, name)
        room.seek(0)
        while piece := room.read(CHUNK_BYTES):
            yield piece


def _put(archive: zipfile.ZipFile, files: CsvFolder, run_id: str, name: str) -> None:
    file = files.open(run_id, name)
    if file is None:
        return
    info = zipfile.ZipInfo(name, date_time=time.localtime()[:6])  # else it is of 1980
    info.compress_type, info.external_attr = archive.compression, 0o644 << 16
    with archive.open(info, "w") as entry:
        for piece in file.pieces:
            entry.write(piece)
