"""A mask that was saved as a table, opened on the page: drawn, checked, compared with another.

Nothing of a file is run, and nothing of it is kept when the answer is made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.explain.fields import Choice, Field, Number
from app.explain.mask_catalogue import BLOCK
from app.pages.api import MalformedRequestError, PageRequest
from app.pages.masks.views import facts_of
from vidmem.errors import SettingError
from vidmem.figures import block_mask_figure, mask_figure
from vidmem.inspection import MaskFinding, MaskIntent, check_mask, diff_masks, mask_of_bytes

MAX_SAVED_PAIRS = 1 << 22
"""Of a saved mask: 2,048 a side. Every pair is looked over, which takes some times its bytes."""

MAX_FILE_BYTES = 8 * MAX_SAVED_PAIRS + (1 << 16)
"""Zeros and ones may be of eight bytes each; and what a format has around them."""

MAX_BYTES = 2 * MAX_FILE_BYTES
"""Of a request: a mask, and the one that it is compared with."""

MAX_NAME = 200

_EDGES = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048)
FUTURE = Choice("future", "Meant: later keys", (("any", "not said"), ("none", "are never seen")))
WINDOW = Choice(
    "window", "Meant: a window", (("any", "not said"), ("held", "of the numbers below"))
)
BACK = Number("back", "Keys before its own", 4, 0, 4096, _EDGES)
AHEAD = Number("ahead", "Keys after its own", 0, 0, 4096, _EDGES)
ROW = Number("row", "Batch row", 0, 0, 63)
FIELDS: tuple[Field, ...] = (FUTURE, WINDOW, BACK, AHEAD, ROW, BLOCK)
_HEAD = Number("head", "Head", 0, 0, 10**6)


@dataclass(frozen=True)
class _Files:
    """What was sent: one mask, or two behind each other."""

    name: str
    content: bytes
    other_name: str
    other: bytes

    @classmethod
    def of(cls, request: PageRequest) -> _Files:
        size = request.whole("bytes")
        if not 0 < size <= len(request.body):
            raise MalformedRequestError("bytes must be the length of the first of two files")
        return cls(
            request.text("name")[:MAX_NAME],
            request.body[:size],
            request.text("other")[:MAX_NAME],
            request.body[size:],
        )


def saved_fields() -> list[dict[str, Any]]:
    """What can be set beside a saved mask, for the page."""
    return [field.as_dict() for field in FIELDS]


def saved_figures(request: PageRequest) -> dict[str, Any]:
    """Both figures of a saved mask, what was found in it, and where another disagrees.

    Raises:
        SettingError: If a file holds no mask, is too large, or the two have not the same shape.
    """
    files, values = _Files.of(request), _values(request)
    mask = mask_of_bytes(files.content, files.name, max_bytes=MAX_FILE_BYTES)
    if mask.numel() > MAX_SAVED_PAIRS:
        raise SettingError(
            f"{files.name} has {mask.numel():,} pairs, at most {MAX_SAVED_PAIRS:,} are looked over "
            "here; save some of its heads or rows, or use `vidmem mask`"
        )
    report = check_mask(mask, intent=_intent(values), block_tokens=values["block"])
    # The page may still name a head or row of the file before, which this one does not have.
    head = min(values["head"], report.shape.heads - 1)
    row = min(values["row"], report.shape.batch - 1)
    view = report.view(head=head, batch_row=row)
    answer = {
        "matrix": mask_figure(view, theme=request.theme),
        "blocks": block_mask_figure(view, theme=request.theme),
        "texts": {**facts_of(view), "title": f"{files.name}, {view.spec.title}"},
        "findings": [_words_of(finding) for finding in report.findings],
        "diff": "",
    }
    if files.other:
        other = mask_of_bytes(files.other, files.other_name, max_bytes=MAX_FILE_BYTES)
        diff = diff_masks(mask, other, names=(files.name, files.other_name))
        drawn = diff.view(head=head, batch_row=row, block_tokens=values["block"])
        answer |= {"matrix": mask_figure(drawn, theme=request.theme), "diff": str(diff)}
    return answer


def _values(request: PageRequest) -> dict[str, Any]:
    return {field.name: field.read(request.fields.get(field.name)) for field in (*FIELDS, _HEAD)}


def _intent(values: dict[str, Any]) -> MaskIntent:
    window = (values["back"], values["ahead"]) if values["window"] == "held" else None
    return MaskIntent(causal=values["future"] == "none", window=window)


def _words_of(finding: MaskFinding) -> dict[str, Any]:
    return {"kind": finding.kind, "words": finding.words, "is_mistake": finding.is_mistake}
