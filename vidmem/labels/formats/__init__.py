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
from vidmem.labels.formats.header_block import HeaderBlock, header_block, read_header_block
from vidmem.labels.formats.predictions_csv import (
    ModelPredictions,
    RecordedPredictions,
    RunCondition,
    about_run,
    read_probabilities,
    read_recorded,
)
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
    "HeaderBlock",
    "Holds",
    "Imported",
    "ModelPredictions",
    "OnProblem",
    "Problem",
    "ReadOptions",
    "RecordedPredictions",
    "RunCondition",
    "WriteOptions",
    "about_run",
    "format_for",
    "format_named",
    "header_block",
    "import_file",
    "read",
    "read_header_block",
    "read_probabilities",
    "read_recorded",
    "write",
]
