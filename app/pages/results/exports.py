"""Results as files, each of which says what it is of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from app.pages.api import Download, PageRequest
from app.pages.results.agreement import agreement_of, compared, scores_of
from app.pages.results.shown import Accounts, ShownAccount
from app.pages.results.views import (
    axes_of,
    budget_of,
    filter_of,
    filter_words,
    gap_of,
    transitions_of,
)
from app.projects.label_exports import zipped
from app.projects.run_bouts import VERSIONS
from app.sources.names import clean_stem
from vidmem.errors import SettingError
from vidmem.labels import LabelledVideo, Labels
from vidmem.labels.formats import About, WriteOptions, format_named, header_block
from vidmem.labels.results import (
    BoutFilter,
    agreement_csv,
    budget_csv,
    confusion_csv,
    filtered_labels,
    transitions,
    transitions_csv,
)
from vidmem.plain import to_json

BORIS = ("boris-aggregated", "boris-tabular", "boris")
CSV = "text/csv"


def bouts_file(accounts: Accounts, request: PageRequest) -> Download:
    """The bouts that are meant, a row each."""
    shown, wanted = accounts.shown(request), filter_of(request)
    found = filtered_labels(shown.labels, wanted)
    bouts = Labels(found.ethogram, found.bouts, videos=_videos(found))
    options = WriteOptions(
        about=_narrowed(shown.about, wanted), about_bout=shown.about_bout, is_one_file=True
    )
    return _drafted(bouts, "csv", _stem(shown, "bouts"), options)


def boris_file(accounts: Accounts, request: PageRequest) -> Download:
    """The bouts that are meant as a file of BORIS, or a ZIP where there are several."""
    shown, wanted = accounts.shown(request), filter_of(request)
    kind = request.text("kind")
    if kind not in BORIS:
        raise SettingError(f"kind must be one of {', '.join(BORIS)}, got {kind!r:.40}")
    found = filtered_labels(shown.labels, wanted)
    options = WriteOptions(about=_narrowed(shown.about, wanted))
    return _drafted(replace(found, videos=_videos(found)), kind, _stem(shown, "bouts"), options)


def budget_file(accounts: Accounts, request: PageRequest) -> Download:
    """The time budget, as `vidmem budget --out` writes it, below lines that say what it is of."""
    shown = accounts.shown(request)
    return _table(shown, "time-budget", budget_csv(budget_of(shown, request)))


def transitions_file(accounts: Accounts, request: PageRequest) -> Download:
    """The transitions of all axes, or of one."""
    shown = accounts.shown(request)
    if request.text("axis"):
        found = [transitions_of(shown, request)]
    else:
        gap = gap_of(request)
        found = [
            transitions(shown.labels, axis, max_gap_seconds=gap) for axis in axes_of(shown.labels)
        ]
    return _table(shown, "transitions", transitions_csv(found))


def agreement_file(accounts: Accounts, request: PageRequest) -> Download:
    """The agreement: its figures or its confusion as CSV, or all of it as JSON."""
    found, kind = compared(accounts, request), request.path["kind"]
    agreement = agreement_of(found, request)
    whose = f"first: {found.first.about.settings}; second: {found.second.about.settings}"
    models = [one.about.model for one in (found.first, found.second) if one.about.model]
    scored = "whole videos" if found.is_whole else "what both scored"
    about = About(
        model=", ".join(models), settings=f"{whose}; counted: {scored}", versions=VERSIONS
    )
    videos = _videos(found.mine, found.theirs)
    if kind == "json":
        numbers: dict[str, Any] = {
            "vidmem": VERSIONS,
            "first": _about_numbers(found.first),
            "second": _about_numbers(found.second),
            "counted": scored,
            "videos": [_video_numbers(one) for one in videos],
            "agreement": agreement.as_dict(),
            "scores": [one.as_dict() for one in scores_of(found, agreement)],
        }
        content = to_json(numbers, indent=1).encode()
        return Download("agreement.json", "application/json", content)
    tables = {"csv": ("agreement", agreement_csv), "confusion.csv": ("confusion", confusion_csv)}
    if kind not in tables:
        raise SettingError(f"agreement can be downloaded as csv, confusion.csv or json, got {kind}")
    name, table = tables[kind]
    text = header_block(about, videos) + table(agreement)
    return Download(f"{name}.csv", CSV, text.encode())


def _table(shown: ShownAccount, name: str, text: str) -> Download:
    block = header_block(shown.about, _videos(shown.labels))
    return Download(f"{_stem(shown, name)}.csv", CSV, (block + text).encode())


def _drafted(labels: Labels, kind: str, stem: str, options: WriteOptions) -> Download:
    """A file of a format, made in memory; several as a ZIP."""
    format_ = format_named(kind)
    assert format_.write is not None, kind
    drafted = format_.write(labels, Path(f"{stem}{format_.endings[0]}"), options)
    files = {path.name: data for path, data in drafted.files.items()}
    if len(files) == 1:
        name, data = next(iter(files.items()))
        return Download(name, "application/octet-stream" if kind != "csv" else CSV, data)
    return Download(f"{stem}.zip", "application/zip", zipped(files))


def _narrowed(about: About, wanted: BoutFilter) -> About:
    """With a filter in words."""
    settings = "; ".join(filter(None, (about.settings, filter_words(wanted))))
    return replace(about, settings=settings)


def _videos(*accounts: Labels) -> tuple[LabelledVideo, ...]:
    """Those of which anything is said, with what is known of them."""
    names = sorted({track.video for labels in accounts for track in labels.tracks})
    found = []
    for name in names:
        video = LabelledVideo(name)
        for labels in accounts:
            video = video.completed(labels.video(name))
        found.append(video)
    return tuple(found)


def _stem(shown: ShownAccount, what: str) -> str:
    names = {track.video for track in shown.labels.tracks}
    of = clean_stem(Path(next(iter(names))).stem) if len(names) == 1 else "project"
    return f"{of}-{what}"


def _about_numbers(shown: ShownAccount) -> dict[str, str]:
    return {
        "whose": shown.whose,
        "model": shown.about.model,
        "settings": shown.about.settings,
    }


def _video_numbers(video: LabelledVideo) -> dict[str, Any]:
    return {
        "name": video.name,
        "duration_seconds": video.duration_seconds,
        "fps": video.fps,
        "start": None if video.start is None else video.start.isoformat(),
    }
