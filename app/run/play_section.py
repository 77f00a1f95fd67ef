"""The section of the board about play: the status, playhead and pace of a run."""

from __future__ import annotations

from typing import Any

from app.run import wording as run_wording
from app.run.player import Player
from app.run.source import OpenSource


def play_section(
    player: Player, source: OpenSource | None, unsaved: str, *, ends_with_page: bool = False
) -> dict[str, Any]:
    """Where the run is; the page moves the playhead on by itself at the rate given here.

    Args:
        player: Whether it plays.
        source: What it plays; `None`: nothing is chosen.
        unsaved: From when on predictions are not saved, in words; empty where they are.
        ends_with_page: Whether it is stopped once no page shows it any more.
    """
    view = source.view if source is not None else None
    pacer, head = player.pacer, player.pacer.playhead_seconds
    is_moving = player.status == "playing" and pacer.is_real_time
    playhead = {
        "seconds": round(head, 2),
        "rate": 1 if is_moving else 0,
        "limit": pacer.limit_seconds if is_moving else head,
    }
    status_text, is_warning = _status(player, source)
    return {
        "status": player.status,
        "is_held": pacer.is_paused,
        "can_play": source is not None and source.can_play,
        "ends_with_page": ends_with_page,
        "speed": "real" if pacer.is_real_time else "fast",
        "resume_seconds": player.resume_seconds,
        "pace": _pace(player, source, f"{status_text} {unsaved}".strip()),
        "is_warning": is_warning,
        "analysed_seconds": view.timeline.end_seconds if view else 0.0,
        "playhead": playhead if source is not None else None,
    }


def _status(player: Player, source: OpenSource | None) -> tuple[str, bool]:
    """The status in words, and whether it is a warning: part of the video could not be read."""
    text = run_wording.STATUS.get(player.status, "")
    if player.status != "finished" or source is None or source.view is None:
        return text, False
    damaged = source.damaged_spans()
    return (run_wording.watched_but_for(damaged), True) if damaged else (text, False)


def _pace(player: Player, source: OpenSource | None, status: str) -> str:
    """The speed while it plays, else the status, in words."""
    is_live = source is not None and source.video.is_live
    # A camera goes on while the run is paused: how far the run is behind is shown then too.
    if source is None or not (
        player.status == "playing" or (player.status == "paused" and is_live)
    ):
        return status
    figures = player.engine.live_figures() if player.engine is not None and is_live else None
    pace = source.pace(player.pacer, figures)
    return f"{status} {pace}".strip() if player.status == "paused" else pace
