"""The parts of the page: HTML, CSS and JavaScript each, read from the files beside this one."""

from __future__ import annotations

import json
import re
from pathlib import Path

import gradio as gr

from app.words import WORDS

FOLDER = Path(__file__).parent
STYLES = (
    *("base", "player", "timeline", "strip", "source", "controls", "heads", "cost", "bouts"),
    *("masks", "moment", "memory_page", "mattered", "heads_page", "cost_page", "planner"),
    "streams_page",
)
SHARED = ("bus", "format", "fields", "plots", "inside", "inside_pictures")
"""Scripts of the head: there before any part."""
SCRIPTS = {
    "header": ("header",),
    "player": ("player", "now_panel"),
    "timeline": ("timeline_data", "timeline_draw", "timeline", "timeline_input"),
    "strip": ("strip",),
    "source": ("source", "live_source"),
    "controls": ("heads", "controls"),
    "cost": ("cost",),
    "bouts": ("bouts",),
    "masks": ("mask_figures", "masks"),
    "moment": ("moment",),
    "memory_page": ("memory_clip", "memory_strip", "memory_page"),
    "mattered": ("mattered_maps", "mattered"),
    "heads_page": ("heads_grid", "heads_sight", "heads_page"),
    "cost_page": ("cost_page",),
    "streams_page": ("streams_boxes", "streams_strip", "streams_tile", "streams_page"),
    "planner": ("planner_rates", "planner"),
}


def component(name: str, elem_id: str | None = None) -> gr.HTML:
    """A part of the page; its markup is fixed, and its script fills it from `window.vidmem`."""
    scripts = [_read(f"{script}.js") for script in SCRIPTS[name]]
    return gr.HTML(
        value="",
        html_template=_worded(_read(f"{name}.html")),
        js_on_load="\n".join(scripts),
        apply_default_css=False,
        elem_id=elem_id or f"part-{name}",
        padding=False,
    )


def feed() -> gr.HTML:
    """The one part not seen: what the server sends arrives here, and requests leave here."""
    return gr.HTML(
        value="",
        html_template="<span></span>",
        js_on_load=_read("feed.js"),
        apply_default_css=False,
        elem_id="feed",
        elem_classes=["vm-silent"],
    )


def head() -> str:
    """Styles, words and shared scripts, for the page's head."""
    styles = "\n".join(_read(f"{name}.css") for name in STYLES)
    words = json.dumps(WORDS, ensure_ascii=False).replace("</", "<\\/")
    scripts = [*(_read(f"{name}.js") for name in SHARED), f"window.vidmem.words = {words};"]
    tags = "\n".join(f"<script>{script}</script>" for script in scripts)
    return f'<meta name="color-scheme" content="light dark">\n<style>{styles}</style>\n{tags}'


def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _worded(html: str) -> str:
    """Put the words of `app/words.py` in place of `[[key]]`."""
    return re.sub(r"\[\[(\w+)\]\]", lambda match: WORDS[match[1]], html)
