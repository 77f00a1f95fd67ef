"""What the Masks page asks for: a mask under given numbers, drawn, counted and explained."""

from __future__ import annotations

import io
import logging
import time
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from app.explain.fields import Number
from app.explain.mask_catalogue import BLOCK, MASKS
from app.pages.api import Download, Query, answer_json
from vidmem.errors import SettingError
from vidmem.figures import ThemeName, block_mask_figure, mask_figure
from vidmem.inspection import MaskView, view_mask
from vidmem.plain import to_json

if TYPE_CHECKING:
    from vidmem.inspection import MaskSpec

logger = logging.getLogger(__name__)

MAX_PAIRS = 1 << 24
"""Pairs of tokens for which a mask is drawn while a slider moves: 4,096 a side, under a second."""

MAX_PLACES = 12
"""Empty rows that are listed, neighbours together."""

_HEAD = Number("head", "Head", 0, 0, 10**6)
"""Any head; the mask knows how many there are."""

TIMES = "\N{MULTIPLICATION SIGN}"


def view_of(query: Query) -> MaskView:
    """The view that a query is about: `mask`, its numbers by name, `head` and `block`.

    Raises:
        SettingError: If there is no such mask, or a number is not allowed.
    """
    name = query.get("mask", "")
    if name not in MASKS:
        raise SettingError(f"mask must be one of {', '.join(MASKS)}, got {name!r}")
    mask = MASKS[name]
    spec = mask.make({field.name: field.read(query.get(field.name)) for field in mask.fields})
    num_queries, num_keys = spec.queries.num_tokens, spec.keys.num_tokens
    if num_queries * num_keys > MAX_PAIRS:
        raise SettingError(
            f"{num_queries:,} {TIMES} {num_keys:,} tokens are too many to draw while you move a "
            f"slider ({MAX_PAIRS:,} pairs at most); take fewer frames, or fewer tokens for each"
        )
    # The page may still name a head of the mask before, which this one does not have.
    head = min(_HEAD.read(query.get("head", "0")), spec.num_heads - 1)
    return view_mask(cast("MaskSpec", spec), head=head, block_tokens=BLOCK.read(query.get("block")))


def figures(query: Query, theme: ThemeName) -> dict[str, Any]:
    """Both figures of a mask with the facts beside them.

    Raises:
        SettingError: If there is no such mask, or a number is not allowed.
    """
    view = view_of(query)
    return {
        "matrix": mask_figure(view, theme=theme),
        "blocks": block_mask_figure(view, theme=theme),
        "texts": facts_of(view),
    }


def facts_of(view: MaskView) -> dict[str, Any]:
    """What stands beside the figures of a view: its title, its heads, and what is counted."""
    spec = view.spec
    heads = [spec.head_name(head) for head in range(spec.num_heads)]
    return {
        "title": spec.title,
        "summary": view.summary,
        "head": view.head,
        "heads": heads if any(heads) else [],
        "checks": _checks(view),
        "places": list(view.empty_places[:MAX_PLACES]),
        "more_places": max(0, len(view.empty_places) - MAX_PLACES),
    }


def _checks(view: MaskView) -> list[list[str]]:
    """Rows of a table: what is counted, over all tokens, and what it comes to."""
    blocks = view.blocks
    work = "all: every block is skipped"
    if not blocks.count(0):
        work = "none: no block is skipped"
    elif blocks.count(0) < blocks.states.size:
        work = f"{blocks.skipped_share:.0%}, {blocks.times_less_work:.1f} {TIMES} less"
    rows = [
        ["pairs that may attend", f"{view.num_allowed:,} ({view.allowed_share:.1%})"],
        ["rows that see nothing", f"{len(view.empty_queries):,}"],
        ["full blocks", f"{blocks.count(2):,}"],
        ["partial blocks", f"{blocks.count(1):,}"],
        ["empty blocks, skipped", f"{blocks.count(0):,}"],
        ["work saved", work],
    ]
    if view.sees_itself is not None:
        rows.insert(2, ["every token sees itself", "yes" if view.sees_itself else "no"])
    return rows


def download(query: Query, kind: str) -> Download:
    """A view as a file, `json` or `npz`, with the numbers it was made from.

    Raises:
        SettingError: If there is no such mask or kind, or a number is not allowed.
    """
    if kind not in {"json", "npz"}:
        raise SettingError(f"kind must be json or npz, got {kind!r}")
    view, name = view_of(query), f"mask-{query['mask']}"
    arrays: dict[str, Any] = view.arrays()
    if kind == "npz":
        file = io.BytesIO()
        np.savez_compressed(file, **arrays)
        return Download(f"{name}.npz", "application/octet-stream", file.getvalue())
    fields = (*MASKS[query["mask"]].fields, BLOCK)
    content = {
        "mask": query["mask"],
        "numbers": {field.name: field.read(query.get(field.name)) for field in fields},
        "title": view.spec.title,
        "head": view.head,
        "head_name": view.spec.head_name(view.head),
        "kind_names": ["", *view.spec.kinds],
        "summary": view.summary,
        **{key: array.tolist() for key, array in arrays.items()},
    }
    return Download(f"{name}.json", "application/json", to_json(content).encode())


def draw_first_mask() -> None:
    """Draw one mask, so that the first visitor need not wait for Plotly."""
    began = time.perf_counter()
    first = next(iter(MASKS))
    shown = [field.as_dict() for field in (*MASKS[first].fields, BLOCK)]
    query = {field["name"]: str(field["start"]) for field in shown}
    answer_json(figures({"mask": first, **query}, "light"))
    logger.debug("masks are warm after %.1f s", time.perf_counter() - began)
