"""What the ethogram editor says of colours, held to the definitions."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import app.pages.label
from tests.app.pages.test_scripts import node
from vidmem.labels import DEFAULT_COLOURS

SCRIPT = Path(app.pages.label.__file__).parent / "behaviours" / "colours.js"


def in_javascript(expression: str):
    code = (
        f'import * as colours from "{SCRIPT.as_uri()}"; console.log(JSON.stringify({expression}))'
    )
    # As a module by what it says: there is no package around it.
    words = [node(), "--no-warnings", "--input-type=module", "--eval", code]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=240)
    return json.loads(done.stdout)


def test_contrast_and_likeness():
    pairs = [(one, other) for one in DEFAULT_COLOURS for other in DEFAULT_COLOURS if one < other]
    found = in_javascript(
        "{bounds: ['#000000', '#ffffff', '#777777'].map((c) => colours.contrast(c, '#ffffff')),"
        f"pairs: {json.dumps(pairs)}.filter(([a, b]) => colours.areAlike(a, b)),"
        "alike: [['#e69f00', '#e69f00'], ['#e69f00', '#e8a206'], ['#e69f00', '#56b4e9']]"
        ".map(([a, b]) => colours.areAlike(a, b)),"
        "poor: ['#f2f2e0', '#1d2226', '#808080'].map(colours.poorContrast)}"
    )
    black, white, grey = found["bounds"]
    assert (round(black, 6), round(white, 6), round(grey, 2)) == (21, 1, 4.48)  # as WCAG has it
    assert found["pairs"] == []  # of the palette all can be told apart
    assert found["alike"] == [True, True, False]
    light, dark, neither = found["poor"]
    assert light["light"] < 1.2 and light["dark"] is None
    assert dark["light"] is None and dark["dark"] < 1.2
    assert neither == {"light": None, "dark": None}
