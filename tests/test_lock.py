"""app.lock has all that the app is built on, at the versions that the tests run with."""

from __future__ import annotations

import re
from importlib.metadata import distribution, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]

NOT_LOCKED = {"torch"}
"""Of many builds, each with requirements of its own: see the Makefile."""


def locked() -> dict[str, dict[str, set[str]]]:
    """Versions by name, each with the hashes of its files."""
    found: dict[str, dict[str, set[str]]] = {}
    text = (ROOT / "app.lock").read_text().replace("\\\n", " ")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, number = re.match(r"([\w.-]+)==([\w.+]+)", line).groups()
            hashes = set(re.findall(r"--hash=sha256:([0-9a-f]{64})(?=\s|$)", line))
            found.setdefault(canonicalize_name(name), {})[number] = hashes
    return found


def needed_by_the_app() -> set[str]:
    """Names of all packages that vidmem with its app asks for on this machine."""
    todo, needed = [("vidmem", frozenset({"app"}))], set()
    while todo:
        name, extras = todo.pop()
        if (name, extras) in needed:
            continue
        needed.add((name, extras))
        for line in distribution(name).requires or []:
            wanted = Requirement(line)
            if wanted.marker and not any(
                wanted.marker.evaluate({"extra": extra}) for extra in ("", *extras)
            ):
                continue
            if wanted.name not in NOT_LOCKED:
                todo.append((canonicalize_name(wanted.name), frozenset(wanted.extras)))
    return {name for name, _ in needed} - {"vidmem"}


def test_all_that_the_app_is_built_on_is_locked_at_the_version_that_runs_here():
    lock, needed = locked(), needed_by_the_app()
    assert {"gradio", "python-multipart", "h11", "jinja2", "av"} <= needed
    assert needed <= set(lock)
    assert {name for name in needed if version(name) not in lock[name]} == set()
    assert all(hashes for versions in lock.values() for hashes in versions.values())


def test_the_lock_agrees_with_the_constraints():
    lines = re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    lock = locked()
    pinned = {canonicalize_name(name): number for name, number in lines}
    assert {name: lock[name] for name in pinned.keys() & lock.keys()} == {
        name: {pinned[name]: lock[name].get(pinned[name])} for name in pinned.keys() & lock.keys()
    }


def test_what_make_installs_for_the_app_is_checked_by_hash():
    makefile = (ROOT / "Makefile").read_text()
    assert "--require-hashes --no-deps --requirement app.lock" in makefile
    assert "--no-index --no-build-isolation --editable '.[app]'" in makefile
    assert "extra-index-url" not in makefile
