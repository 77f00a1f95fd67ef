"""What a page sends: what it has, and what it wants done; checked here, and nowhere below."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

logger = logging.getLogger(__name__)

MAX_ACTIONS = 50


@dataclass(frozen=True, kw_only=True)
class Known:
    """What a page has already, so that only the rest is sent."""

    versions: Mapping[str, int] = field(default_factory=dict)
    """Of the sections of the board, by topic."""

    epoch: int | None = None
    """Of the view that `point` and `thumbnail` belong to."""

    point: int = -1
    thumbnail: int = -1
    picture: int = -1
    is_lively: bool | None = None
    """Whether it polls often, as the last answer wanted; `None`: it had no answer yet."""


@dataclass(frozen=True, kw_only=True)
class Action:
    """Something that a visitor did on the page."""

    name: str
    value: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class PageMessage:
    """One message of a page."""

    run_id: str = ""
    """Of the run that the page shows; empty before it has one."""

    known: Known = field(default_factory=Known)
    actions: tuple[Action, ...] = ()
    is_hidden: bool = False
    is_waiting_in_vain: bool = False
    """It has no run yet, though it asked for one long ago: that question or its answer was lost."""

    beat: int | None = None
    """To be sent back: the page had no answer for a while."""


def read_message(text: str) -> PageMessage:
    """The message of a page; what no page of ours sends is left out, with a line in the log."""
    # `parse_*`: Python would read NaN and infinity, which no JSON has and no time can be.
    try:
        content = json.loads(text or "{}", parse_constant=_refuse, parse_float=_finite)
    except (TypeError, ValueError, RecursionError) as error:
        logger.warning("a page sent what cannot be read: %s", type(error).__name__)
        return PageMessage()
    if not isinstance(content, dict):
        logger.warning("a page sent no object, but a %s", type(content).__name__)
        return PageMessage()
    run_id, beat = content.get("run"), content.get("beat")
    return PageMessage(
        run_id=run_id if isinstance(run_id, str) else "",
        known=_known(content.get("known")),
        actions=_actions(content.get("actions")),
        is_hidden=bool(content.get("is_hidden")),
        is_waiting_in_vain=bool(content.get("is_waiting_in_vain")),
        beat=beat if isinstance(beat, int) else None,
    )


def _known(content: Any) -> Known:
    if not isinstance(content, dict):
        return Known()
    versions = content.get("versions")
    epoch, is_lively = content.get("epoch"), content.get("lively")
    return Known(
        versions=versions if isinstance(versions, dict) else {},
        epoch=epoch if isinstance(epoch, int) else None,
        is_lively=is_lively if isinstance(is_lively, bool) else None,
        **{
            name: content[name]
            for name in ("point", "thumbnail", "picture")
            if isinstance(content.get(name), int)
        },
    )


def _actions(content: Any) -> tuple[Action, ...]:
    actions = []
    for one in content[:MAX_ACTIONS] if isinstance(content, list) else ():
        if not isinstance(one, dict) or not isinstance(one.get("name"), str):
            logger.warning("a page sent an action without a name")
            continue
        value = one.get("value")
        actions.append(Action(name=one["name"], value=value if isinstance(value, dict) else {}))
    return tuple(actions)


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):  # `1e999` is infinity to Python
        raise ValueError(f"{text} is too large")
    return number


def number_in(value: Mapping[str, Any], key: str) -> float:
    """A finite number in the value of an action.

    Raises:
        ValueError: If it is none.
        KeyError: If there is nothing.
        TypeError: If it is of another kind.
    """
    number = float(value[key])
    if not math.isfinite(number):
        raise ValueError(f"{key} is no number")
    return number
