"""Files of the runs of a project and their addresses."""

from __future__ import annotations

import re
from pathlib import Path

from app.run.kept.play import prediction_files
from app.run.results.file_facts import FileFacts, file_facts
from app.run.results.files import MAX_LINKS, CsvFolder, PredictionsFile, opened
from vidmem.errors import ProjectError
from vidmem.projects import Project

_RUN_ID = re.compile(r"[0-9a-f]{32}")


class KeptFiles:
    """Files of the runs of a project, by the id of the run and their names.

    Args:
        project: That keeps them.
        before: Where what was written before there were projects is looked for.
    """

    def __init__(self, project: Project, before: CsvFolder) -> None:
        self.project, self.before = project, before

    def links(self, run_id: str) -> list[tuple[str, str]]:
        """`(address, name)` of each file of a kept run, oldest first: the newest few."""
        return [
            (f"runs/{run_id}/{path.name}", path.name) for path in self._files(run_id)[-MAX_LINKS:]
        ]

    def open(self, run_id: str, name: str) -> PredictionsFile | None:
        """A file of a kept run, or of one before, by the last part of its address."""
        # The name is from an address: only what the listing has is opened.
        for path in self._files(run_id):
            if path.name == name:
                return opened(path, name)
        return self.before.open(run_id, name)

    def facts(self, run_id: str, name: str) -> FileFacts:
        """What a file of a kept run says of itself, by the last part of its address."""
        path = next((one for one in self._files(run_id) if one.name == name), None)
        return FileFacts() if path is None else file_facts(path)

    def _files(self, run_id: str) -> list[Path]:
        if not _RUN_ID.fullmatch(run_id):  # from an address
            return []
        try:
            kept = self.project.runs[run_id]
        except ProjectError:  # there is none, or none any more
            return []
        return prediction_files(kept.folder)
