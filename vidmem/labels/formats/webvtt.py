"""WebVTT: a cue per bout, shown on the player itself; a file per video.

    1
    00:00:00.000 --> 00:10:12.500
    <v sow_12><c.lying_lateral>lying_lateral</c> 0.93

A point is shown for half a second. What cues cannot hold (axes, spans that were scored or not,
authors) stands as JSON in a NOTE at the top, which players leave out.
"""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

from vidmem.errors import LabelError
from vidmem.labels.bout import Bout, BoutSource
from vidmem.labels.formats.collecting import BoutEntry, Collector, clean_name, score_or_none
from vidmem.labels.formats.format import Drafted, Format, Holds, WriteOptions
from vidmem.labels.formats.remarks import facts_of, take_facts, video_in
from vidmem.labels.formats.source import Source, path_for
from vidmem.labels.formats.tables import parse_seconds
from vidmem.labels.labels import Labels

POINT_MILLISECONDS = 500
TITLE = "vidmem labels"
NOTHING = "&nbsp;"
"""For an empty line of a comment: a cue ends at one."""

# Each stops at the next `<`, so that no line takes a time that grows with its square.
_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?\s+([^<>]*)>")
_CLASS = re.compile(r"<c([^<>]*)>([^<]*)</c>")
_SCORE = re.compile(r"\s(0\.\d{2,6}|1\.00)$")
_TAG = re.compile(r"<[^<>]*>")


def recognise(source: Source) -> bool:
    """Whether it begins as WebVTT does."""
    return source.head.startswith("WEBVTT")


def read(source: Source, collector: Collector) -> None:
    """Give all cues to a collector."""
    import webvtt

    try:
        found = webvtt.from_string(source.text)
        cues = [(one.identifier, one.start, one.end, one.raw_text) for one in found.captions]
        comments = [*found.header_comments, *found.footer_comments]
    except Exception as error:  # of the package, and whatever a broken file makes it raise
        raise LabelError(f"{source.path} is no WebVTT: {error}") from error
    facts = _facts_in(comments)
    take_facts(collector, facts)
    video = collector.only_video(said=video_in(facts))
    authors = facts.get("authors")
    for number, (identifier, start, end, text) in enumerate(cues, start=1):
        said = authors.get(identifier) if isinstance(authors, dict) else None
        _take_cue(collector, f"cue {number}", video, (start, end, text), said)


def _facts_in(comments: list[str]) -> dict[str, Any]:
    for comment in comments:
        title, _, text = comment.partition("\n")
        if title.strip() == TITLE:
            try:
                facts = json.loads(text)
            except (ValueError, RecursionError):
                return {}
            return facts if isinstance(facts, dict) else {}
    return {}


def _take_cue(
    collector: Collector, place: str, video: str, cue: tuple[str, str, str], said: object
) -> None:
    start, end = (parse_seconds(one) for one in cue[:2])
    first, _, rest = cue[2].partition("\n")
    voice = _VOICE.match(first)
    text = first[voice.end() :] if voice else first
    classes = _CLASS.match(text)
    # A behaviour's own name may end like a score: where it is marked, one stands behind it.
    after = text[classes.end() :] if classes else text
    score_text = _SCORE.search(_TAG.sub("", after).rstrip())
    if classes:
        label = classes[2]
    else:
        label = _TAG.sub("", text).rstrip().removesuffix(score_text[0] if score_text else "")
    label = clean_name(html.unescape(label))
    if start is None or end is None or not label:
        what = "has no label" if not label else f"{label} has no times"
        collector.problem(place, "unreadable", what)
        return
    score = score_or_none(score_text[1]) if score_text else None
    is_point = classes is not None and "point" in classes[1].split(".")
    source: BoutSource = "human" if score is None else "model"
    author = ""
    if isinstance(said, list) and len(said) == 2 and isinstance(said[1], str):
        source, author = ("model" if said[0] == "model" else "human"), said[1]
    lines = [html.unescape(_TAG.sub("", one)) for one in rest.split("\n")] if rest else []
    comment = "\n".join("" if one == "\N{NO-BREAK SPACE}" else one for one in lines)
    collector.entry(
        BoutEntry(
            place=place,
            video=video,
            behaviour=label,
            start_seconds=start,
            end_seconds=start if is_point else end,
            kind="point" if is_point else None,
            subject=html.unescape(voice[1]) if voice else "",
            author=author,
            comment=comment,
            score=score,
            source=source,
        )
    )


def write(labels: Labels, path: Path, options: WriteOptions) -> Drafted:
    """A file per video."""
    files = {}
    for video in labels.videos:
        bouts = labels.bouts_of(video=video.name)
        facts = facts_of(labels, options.about, [video])
        facts["authors"] = {
            str(n): [one.source, one.author]
            for n, one in enumerate(bouts, start=1)
            if one.author or one.is_human == (one.score is not None)
        }
        # In a comment no arrow may stand, which ends it.
        note = json.dumps(facts, ensure_ascii=False).replace(">", "\\u003e")
        blocks = ["WEBVTT", f"NOTE {TITLE}\n{note}"]
        blocks += [_cue_of(n, one) for n, one in enumerate(bouts, start=1)]
        text = "\n\n".join(blocks) + "\n"
        at = path_for(path, [video.name], len(labels.videos) == 1)
        if at in files:
            raise LabelError(f"two videos would be written to {at}; rename one of them")
        files[at] = text.encode(errors="replace")
    if not files:
        files[path] = b"WEBVTT\n"
    return Drafted(files)


def _cue_of(number: int, bout: Bout) -> str:
    start, end = shown_milliseconds(bout)
    classes = re.sub(r"[^\w-]", "_", bout.behaviour) + (".point" if bout.is_point else "")
    voice = f"<v {html.escape(bout.subject, quote=False)}>" if bout.subject else ""
    label = f"{voice}<c.{classes}>{html.escape(bout.behaviour, quote=False)}</c>"
    if bout.score is not None:
        text = f"{bout.score:.6f}"
        label += f" {text.rstrip('0').ljust(4, '0')}"
    lines = html.escape(bout.comment, quote=False).split("\n") if bout.comment else []
    times = f"{timestamp(start, '.')} --> {timestamp(end, '.')}"
    return "\n".join([str(number), times, label, *(one or NOTHING for one in lines)])


def shown_milliseconds(bout: Bout) -> tuple[int, int]:
    """From when to when a bout is shown, at least a millisecond; a point for half a second."""
    start = round(bout.start_seconds * 1000)
    if bout.is_point:
        return start, start + POINT_MILLISECONDS
    return start, max(round(bout.end_seconds * 1000), start + 1)


def timestamp(milliseconds: int, point: str) -> str:
    """`00:10:12.500`; hours have more digits where they need them."""
    seconds, rest = divmod(milliseconds, 1000)
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    return f"{hours:02d}:{minutes:02d}:{seconds % 60:02d}{point}{rest:03d}"


FORMAT = Format(
    name="vtt",
    title="WebVTT",
    endings=(".vtt",),
    holds=Holds(
        axes=True,
        subjects=True,
        points=True,
        scores=True,
        comments=True,
        authors=True,
        not_scored=True,
        unlabelled=True,
        facts=True,
        ethogram=True,
    ),
    recognise=recognise,
    read=read,
    write=write,
)
