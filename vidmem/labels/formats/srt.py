"""SubRip subtitles, as BORIS writes them; written only, for players that take no WebVTT."""

from __future__ import annotations

import html
from pathlib import Path

from vidmem.errors import LabelError
from vidmem.labels.formats.format import Drafted, Format, Holds, WriteOptions
from vidmem.labels.formats.source import path_for
from vidmem.labels.formats.webvtt import shown_milliseconds, timestamp
from vidmem.labels.labels import Labels


def write(labels: Labels, path: Path, options: WriteOptions) -> Drafted:
    """A file per video: subject and behaviour in the behaviour's colour."""
    files = {}
    for video in labels.videos:
        cues = []
        for number, bout in enumerate(labels.bouts_of(video=video.name), start=1):
            start, end = shown_milliseconds(bout)
            colour = labels.ethogram[bout.behaviour].colour
            words = f"{bout.subject}: {bout.behaviour}" if bout.subject else bout.behaviour
            times = f"{timestamp(start, ',')} --> {timestamp(end, ',')}"
            text = html.escape(words, quote=False)
            cues.append(f'{number}\n{times}\n<font color="{colour}">{text}</font>\n')
        at = path_for(path, [video.name], len(labels.videos) == 1)
        if at in files:
            raise LabelError(f"two videos would be written to {at}; rename one of them")
        files[at] = "\n".join(cues).encode(errors="replace")
    return Drafted(files or {path: b""})


FORMAT = Format(
    name="srt",
    title="SubRip subtitles",
    endings=(".srt",),
    holds=Holds(subjects=True, points=True),
    write=write,
)
