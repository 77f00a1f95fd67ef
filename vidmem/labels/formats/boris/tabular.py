"""BORIS tabular events: a row per edge; CSV, TSV, XLSX or HTML.

    Observation id,...,Subject,Behavior,Behavioral category,Behavior type,Time,...,Comment
    pen3_day1,...,sow_12,lying,posture,START,0.000,...,p=0.93
    pen3_day1,...,sow_12,lying,posture,STOP,612.499,...,

Three layouts are read: that of BORIS 8.27 to 9, which is also written; the same without `Time
offset (s)` (8.20); and that up to 8.8, whose table begins below some lines about the observation,
with `Status` for the type and `Media file path`.
"""

from __future__ import annotations

import html
import io
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from vidmem.errors import LabelError, MissingPackageError
from vidmem.files import guarded, unguarded
from vidmem.labels.bout import LabelledVideo
from vidmem.labels.formats.boris.observations import (
    HOLDS,
    VARIABLES,
    BorisEvent,
    MediaPart,
    Observation,
    Status,
    coded_behaviours,
    observations_of,
    parse_date,
    parse_description,
    take_observation,
    take_variables,
)
from vidmem.labels.formats.collecting import (
    MAX_ENTRIES,
    Collector,
    duration_or_none,
    fps_or_none,
    number_or_none,
)
from vidmem.labels.formats.format import Drafted, Format, WriteOptions
from vidmem.labels.formats.source import MAX_BYTES, Source
from vidmem.labels.formats.tables import (
    Row,
    csv_text,
    delimiter_of,
    read_rows,
    rows_of,
    seconds_of,
)
from vidmem.labels.labels import Labels

COLUMNS = (
    "Observation id",
    "Observation date",
    "Description",
    "Observation duration",
    "Observation type",
    "Source",
    "Time offset (s)",
    "Media duration (s)",
    "FPS",
    *VARIABLES,
    "Subject",
    "Behavior",
    "Behavioral category",
    "Behavior type",
    "Time",
    "Media file name",
    "Image index",
    "Image file path",
    "Comment",
)

MAX_COLUMNS = 500
MAX_LINES_ABOVE = 1000
"""About the observation, above the table of the old layout."""


def recognise(source: Source) -> bool:
    """Whether it is a table of BORIS with a row per edge."""
    if source.is_zip:
        return source.path.name.casefold().endswith(".xlsx")
    head = source.head
    if "<table" in head[:2000].casefold():
        return "Behavior" in head and ("Status" in head or "Behavior type" in head)
    return any(_is_header(line) for line in head.split("\n"))


def _is_header(line: str) -> bool:
    names = [one.strip(' "') for one in line.split(delimiter_of(line))]
    is_new = {"Behavior", "Behavior type", "Time"} <= set(names)
    return is_new or (names[0] == "Time" and {"Behavior", "Status"} <= set(names))


def read(source: Source, collector: Collector) -> None:
    """Give all observations to a collector."""
    lines = _lines_of(source)
    header = next((n for n, (_, cells) in enumerate(lines) if _is_header_cells(cells)), None)
    if header is None:
        raise LabelError(
            f"{source.path} has no header of BORIS events (Behavior, Time, and Behavior type or "
            "Status); export tabular events"
        )
    about = {cells[0].strip(): cells[1].strip() for _, cells in lines[:header] if len(cells) > 1}
    rows = rows_of(collector, lines[header:])
    by_observation: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        id = unguarded(row.get("observation id")) or about.get("Observation id", "observation")
        by_observation[id].append(row)
    for id, group in by_observation.items():
        _read_observation(collector, id, group, about)


def _lines_of(source: Source) -> list[tuple[int, list[str]]]:
    if source.is_zip:
        lines = list(enumerate(_xlsx_rows(source), start=1))
    elif "<table" in source.head[:2000].casefold():
        lines = list(enumerate(_html_rows(source), start=1))
    else:
        # Lines of the old layout above the table may have one cell each.
        above = source.text.split("\n", MAX_LINES_ABOVE)[:MAX_LINES_ABOVE]
        header = next((one for one in above if _is_header(one)), source.text)
        try:
            lines = list(read_rows(source.text, delimiter_of(header)))
        except LabelError as error:
            raise LabelError(f"{source.path}: {error}") from error
    return [(n, cells) for n, cells in lines if any(one.strip() for one in cells)]


def _is_header_cells(cells: list[str]) -> bool:
    names = {one.strip() for one in cells}
    is_new = {"Behavior", "Behavior type", "Time"} <= names
    return is_new or (cells[0].strip() == "Time" and {"Behavior", "Status"} <= names)


def _read_observation(
    collector: Collector, id: str, rows: list[Row], about: dict[str, str]
) -> None:
    first = rows[0]
    variables = {name: unguarded(first.get(name)) for name in VARIABLES}
    start = parse_date(first.get("observation date") or about.get("Observation date", ""))
    where = parse_description(unguarded(first.get("description")))
    if where is not None:
        collector.about = where
    offset = number_or_none(first.get("time offset (s)") or about.get("Time offset (s)", ""))
    if offset:
        collector.note(f"observation {id} has a time offset of {offset:g} s; times are as written")
    events: defaultdict[str, list[BorisEvent]] = defaultdict(list)
    categories: dict[str, str] = {}
    for row in rows:
        event = _event_of(collector, row)
        media = unguarded(row.get("media file name", "media file path")) or id
        if media not in events:
            length = duration_or_none(row.get("media duration (s)", "total length"))
            fps = fps_or_none(row.get("fps", "fps (frame/s)"))
            video = LabelledVideo(collector.known_name(media), length, fps, start)
            take_variables(collector, video, variables, row.place)
            variables = {}  # those of the observation, so of its first video
        events[media] += [event] if event else []
        category = unguarded(row.get("behavioral category"))
        if event and category and category != "None":
            categories[event.code] = category
    for media, found in events.items():
        part = MediaPart(collector.known_name(media), 0.0, float("inf"))
        take_observation(collector, found, [part], kinds={}, categories=categories)
    if len(events) > 1:
        collector.note(
            f"observation {id} has {len(events)} media files; each event is of the one in its row"
        )


def _event_of(collector: Collector, row: Row) -> BorisEvent | None:
    code = unguarded(row.get("behavior"))
    seconds = seconds_of(collector, row.get("time"))
    status = row.get("behavior type", "status").upper()
    known: dict[str, Status] = {"START": "START", "STOP": "STOP", "POINT": "POINT"}
    if seconds is None:
        what = f"{code} has no time, but {row.get('time')[:40]!r}"
        collector.problem(row.place, "no time", what)
        return None
    if not code or status not in known:
        what = f"is neither START, STOP nor POINT of a behaviour, but {status[:40]!r} of {code!r}"
        collector.problem(row.place, "unreadable", what)
        return None
    modifiers = [
        unguarded(value.strip()) for name, value in row.cells.items() if name.startswith("modifier")
    ]
    subject = unguarded(row.get("subject"))
    return BorisEvent(
        seconds=seconds,
        subject="" if subject == "No focal subject" else subject,
        code=code,
        status=known[status],
        modifiers="|".join(one for one in modifiers if one),
        comment=unguarded(row.cells.get("comment", "")),
        place=row.place,
    )


_HTML = re.compile(r"<(/?\w*)[^<>]*>|[^<]+|<")


def _html_rows(source: Source) -> list[list[str]]:
    """Rows of all tables, of their cells' text: what BORIS writes, which is not all of HTML."""
    rows: list[list[str]] = []
    is_in_cell = False
    for token in _HTML.finditer(source.text):
        tag = (token[1] or "").casefold()
        if tag == "tr":
            rows.append([])
        elif tag in ("td", "th") and rows:
            rows[-1].append("")
        elif is_in_cell and not token[0].startswith("<"):
            rows[-1][-1] += html.unescape(token[0])
        if tag in ("td", "th", "/td", "/th", "tr", "/tr"):
            is_in_cell = tag in ("td", "th") and bool(rows)
    return rows


def _xlsx_rows(source: Source) -> list[list[str]]:
    """The first sheet's cells as text."""
    try:
        import openpyxl  # pyright: ignore[reportMissingModuleSource, reportMissingImports]
    except ImportError as error:
        raise MissingPackageError(
            f"{source.path} is a spreadsheet, which needs openpyxl: pip install openpyxl; or save "
            "it as CSV"
        ) from error
    try:
        with zipfile.ZipFile(io.BytesIO(source.data)) as archive:
            if sum(one.file_size for one in archive.infolist()) > MAX_BYTES:
                raise LabelError(f"{source.path} has more than {MAX_BYTES >> 20} MiB when unpacked")
        book = openpyxl.load_workbook(io.BytesIO(source.data), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        cells = sheet.iter_rows(max_row=MAX_ENTRIES, max_col=MAX_COLUMNS, values_only=True)
        return [["" if one is None else str(one) for one in row] for row in cells]
    except LabelError:
        raise
    except Exception as error:  # whatever a broken archive makes openpyxl raise
        raise LabelError(f"{source.path} is no spreadsheet that can be read: {error}") from error


def write(labels: Labels, path: Path, options: WriteOptions) -> Drafted:
    """A row per edge, in the newest layout."""
    coding = observations_of(labels, options)
    categories = {one.code: one.category for one in coded_behaviours(labels)}
    rows = [cells for one in coding.observations for cells in _rows_of(one, categories)]
    delimiter = "\t" if path.suffix.casefold() in (".tsv", ".txt") else ","
    losses = (*coding.losses, *silent_videos(coding.observations))
    return Drafted({path: csv_text([COLUMNS, *rows], delimiter).encode()}, losses, coding.notes)


def silent_videos(observations: Iterable[Observation]) -> list[str]:
    """What of observations a table of events has no row for."""
    names = [one.video.name for one in observations if not one.events]
    return [f"videos without a bout: {', '.join(names)}"] if names else []


def _rows_of(one: Observation, categories: dict[str, str]) -> list[list[str]]:
    rows = []
    name = guarded(one.video.name)
    for event in one.events:
        frame = one.frame_index(event.seconds)
        rows.append(
            [
                guarded(one.id),
                boris_date(one),
                guarded(one.description),
                f"{one.duration_seconds:.3f}",
                "Media file(s)",
                f"player #1:{one.video.name}",
                "0.0",
                f"{one.duration_seconds:.3f}",
                f"{one.fps:.6g}" if one.fps % 1 else f"{one.fps:.3f}",
                *(guarded(one.variables[variable]) for variable in VARIABLES),
                guarded(event.subject),
                guarded(event.code),
                guarded(categories[event.code]),
                event.status or "",
                f"{event.seconds:.3f}",
                name,
                "NA" if frame is None else str(frame),
                "NA",
                guarded(event.comment),
            ]
        )
    return rows


def boris_date(one: Observation) -> str:
    """As BORIS writes it: `2026-08-30 06:00:00.000`."""
    return one.date.isoformat(sep=" ", timespec="milliseconds")


FORMAT = Format(
    name="boris-tabular",
    title="BORIS tabular events",
    endings=(".tsv", ".tabular.csv"),
    holds=HOLDS,
    recognise=recognise,
    read=read,
    write=write,
)
