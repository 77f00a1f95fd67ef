"""The notice on top of a page: one sentence, replaced by the next."""

from __future__ import annotations

from collections.abc import Sequence

from app import sentences
from app.run import wording as run_wording
from app.run.board import Board
from app.sources.shelf import Video
from vidmem.streaming import Prediction


class Notices:
    """Puts sentences on the board, each once."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._restart: str | None = None

    def post(self, text: str | None, level: str = "info") -> None:
        """Show a sentence, if there is one; those of level "info" disappear by themselves."""
        if text:
            self._board.put("notice", {"level": level, "text": text})

    def post_error(self, error: Exception, video: Video | None) -> None:
        """Show what went wrong with a video."""
        self.post(sentences.sentence_about(error, video), "error")

    def post_no_picture(self, error: Exception, video: Video | None) -> None:
        """Show that pictures are missing for a while."""
        reason = sentences.sentence_about(error, video)
        self.post(run_wording.NO_PICTURE.format(reason=reason))

    def post_closed(self, links: Sequence[tuple[str, str]], resume: str = "") -> None:
        """Show that an earlier run of the page was closed, and where its files are.

        Args:
            links: Of the files.
            resume: Id of the kept run that can go on; empty: none can.
        """
        text = f"{run_wording.CLOSED} {run_wording.KEPT}" if links else run_wording.CLOSED
        notice = {"level": "note", "text": text, "links": list(links), "resume": resume}
        self._board.put("notice", notice)

    def post_interrupted(self, text: str, resume: str) -> None:
        """Offer to go on with a kept run that was under way when the app ended."""
        self._board.put("notice", {"level": "note", "text": text, "resume": resume})

    def post_restart(self, sentence: str | None) -> None:
        """Show at once what a change does to the memory; `None`: nothing."""
        self._restart = sentence or self._restart
        self.post(sentence)

    def on_prediction(self, prediction: Prediction) -> None:
        """Show why the memory was emptied, unless that was shown when it was asked for."""
        if prediction.restarted != self._restart:
            self.post(prediction.restarted)
        self._restart = None

    def dismiss(self) -> None:
        """Take the sentence away."""
        self._board.put("notice", None)
