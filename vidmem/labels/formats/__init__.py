"""Labels in files: what other programs write and read, and vidmem's own; one file per format."""

from vidmem.labels.formats.format import (
    About,
    Exported,
    Format,
    Holds,
    Imported,
    OnProblem,
    Problem,
    ReadOptions,
    WriteOptions,
)
from vidmem.labels.formats.predictions_csv import read_probabilities
from vidmem.labels.formats.registry import (
    FORMATS,
    format_for,
    format_named,
    import_file,
    read,
    write,
)

__all__ = [
    "FORMATS",
    "About",
    "Exported",
    "Format",
    "Holds",
    "Imported",
    "OnProblem",
    "Problem",
    "ReadOptions",
    "WriteOptions",
    "format_for",
    "format_named",
    "import_file",
    "read",
    "read_probabilities",
    "write",
]
