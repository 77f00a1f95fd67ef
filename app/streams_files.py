"""What of many streams can be taken away: each one's predictions, all of them, and the figures."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import IO, Any

from app import streams_text
from app.downloads import CHUNK_BYTES, CsvFolder
from app.streams_run import PoolRun

MAX_IN_MEMORY = 8 * 2**20


def figures_json(pool: PoolRun) -> bytes:
    """The figures of a pool and of each of its streams, as they are now."""
    card = pool.model.card
    told = {
        "made": datetime.now().astimezone().isoformat(timespec="seconds"),
        "model": card.name,
        "on": streams_text.where(pool.model),
        "classes": list(card.class_names),
        "pool": pool.figures(),
        "streams": [_stream(tile, figures) for tile, figures in pool.streams()],
        "memory_over_time": pool.memory.record().as_dict(),
    }
    return json.dumps(told, indent=1).encode()


def _stream(tile: Any, figures: Any) -> dict[str, Any]:
    facts = tile.facts(figures)
    numbers = {} if figures is None else {**asdict(figures), "error": None}
    kept = ("title", "video", "region", "total", "l_mem", "at", "label", "probability", "sentence")
    told = {name: facts[name] for name in kept if name in facts}
    return {**numbers, **told, "status": facts["status"], "times_real_time": facts["speed"]}


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
    found = files.open(run_id, name)
    if found is None:
        return
    with archive.open(name, "w") as entry:
        for piece in found.pieces:
            entry.write(piece)
