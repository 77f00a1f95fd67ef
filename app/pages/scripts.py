"""The scripts of all pages, served as ES modules that import each other."""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI, HTTPException, Response

_IMPORT = re.compile(r'^import [^"]*"(\.[^"]+)\.js";', re.MULTILINE)
_KEPT_A_YEAR = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Scripts:
    """All scripts as they were when the app started.

    The version is part of every address, and imports between scripts are relative: a page gets
    all of them from one version of vidmem, whatever a browser has kept.
    """

    texts: dict[str, bytes]
    """By name: `watch/player`, `label/timeline/draw`."""

    version: str

    @classmethod
    def read(cls, folders: Iterable[Path]) -> Scripts:
        """The scripts that lie in the folders of pages."""
        files = sorted((file, folder) for folder in set(folders) for file in folder.rglob("*.js"))
        texts = {_name(file, folder): file.read_bytes() for file, folder in files}
        digest = hashlib.sha256()
        for name, text in texts.items():
            # With names and lengths: else text could move between files under the same digest.
            digest.update(f"{name} {len(text)} ".encode() + text)
        return cls(texts, digest.hexdigest()[:16])

    def address(self, name: str) -> str:
        """Where a script is, from the page's own address."""
        return f"scripts/{self.version}/{name}.js"

    def imported(self, name: str) -> str:
        """JavaScript for a promise of the module, for code that Gradio runs."""
        # There, no import is static, and addresses would be relative to a script of Gradio.
        return f"import(new URL({self.address(name)!r}, document.baseURI))"

    def imported_by(self, names: Iterable[str]) -> list[str]:
        """Scripts, and all that they import, themselves or by way of others."""
        found: dict[str, None] = {}
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name not in found:
                found[name] = None
                paths = _IMPORT.findall(self.texts[name].decode())
                waiting += [posixpath.normpath(f"{name}/../{path}") for path in paths]
        return sorted(found)

    def add_routes(self, api: FastAPI) -> None:
        """Serve them."""

        @api.get("/scripts/{version}/{name:path}.js")
        def script(version: str, name: str) -> Response:
            text = self.texts.get(name)
            if version != self.version or text is None:
                raise HTTPException(404)
            headers = {"Cache-Control": _KEPT_A_YEAR, "X-Content-Type-Options": "nosniff"}
            return Response(text, media_type="text/javascript", headers=headers)


def _name(file: Path, folder: Path) -> str:
    return file.relative_to(folder.parent).with_suffix("").as_posix()
