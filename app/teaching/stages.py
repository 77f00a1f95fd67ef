"""The stages of teaching as a page shows them: what is done, how far the one under way is.

features of 4 videos    done       kept from before
quick answer            done       0.78 after 2 s
Spool                   now        learning, 7 s left
networks to compare     waiting
scores                  waiting
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.teaching import wording
from app.teaching.request import TeachRequest
from vidmem.teaching import LEARNERS, TeachProgress

FEATURES, QUICK, MODEL, BASELINES, SCORES = "features", "quick", "model", "baselines", "scores"

WEIGHTS = {FEATURES: 45, QUICK: 5, MODEL: 25, BASELINES: 10, SCORES: 15}
"""Of the whole, about: it is the bar's, and promises no time."""

FIRST_SHARE = 0.6
"""Of a network's learning: to find out how long is the longer part."""

CURVE_FROM = 0.3
"""Of the scores, at which those of fewer labels begin."""


@dataclass
class _Stage:
    title: str
    done: float = 0.0
    note: str = ""
    seconds_left: float | None = None


class Stages:
    """How far one job is.

    Args:
        request: What is taught.
        clock: In seconds.
    """

    def __init__(self, request: TeachRequest, clock: Callable[[], float] = time.monotonic) -> None:
        self._request, self._clock = request, clock
        titles = {
            FEATURES: wording.FEATURES_OF_ONE,
            QUICK: wording.QUICK,
            MODEL: LEARNERS[request.model].title,
            BASELINES: wording.BASELINES,
            SCORES: wording.SCORES,
        }
        if not request.has_baselines:
            del titles[BASELINES]
        self._stages = {key: _Stage(title) for key, title in titles.items()}
        self._now = FEATURES
        self._videos: dict[str, float] = {}
        self._num_baselines = sum(not kind.is_model for kind in LEARNERS.values())
        self._begun: tuple[float, float] | None = None  # when, and how far, encoding began
        self._features_at = clock()
        self.split_words = ""
        self.stop_losses: list[list[float]] = []
        """Of the model while it learns: steps, and the mean loss on what tells when to stop."""

    def begin(self, videos: Mapping[str, float]) -> None:
        """The videos that are taught on, in order, with their seconds."""
        self._videos = dict(videos)
        if len(videos) != 1:
            self._stages[FEATURES].title = wording.FEATURES.format(num=len(videos))

    def add(self, message: Mapping[str, Any]) -> None:
        """What the process that teaches says of its progress; see `message_of`."""
        name, left = str(message["stage"]), message.get("left")
        done = float(message["done"])
        if words := message.get("split"):
            self._end_features(str(words))
        elif message.get("is_quick"):
            since = self._clock() - self._features_at
            note = wording.quick_answer(message.get("quick_f1"), since)
            self._move(MODEL, QUICK, note)
        elif name.startswith("encoding "):
            self._encode(name.removeprefix("encoding "), done)
        elif name.startswith("waiting for "):
            video = name.removeprefix("waiting for ").rpartition(",")[0]
            self._stages[FEATURES].note = wording.ELSEWHERE.format(name=video)
        elif name in ("scores", "what more labels bring"):
            share = CURVE_FROM + (1 - CURVE_FROM) * done if name != "scores" else 0.0
            self._move(SCORES)
            self._set(SCORES, share, "", left)
        else:
            self._learn(name, done, left, message.get("stop_loss"))

    def rows(self) -> list[dict[str, Any]]:
        """For a page."""
        keys = list(self._stages)
        now = keys.index(self._now)
        return [
            {
                "key": key,
                "title": one.title,
                "state": "done" if at < now else "now" if at == now else "waiting",
                "done": 1.0 if at < now else round(one.done, 4),
                "note": one.note,
                "seconds_left": one.seconds_left if at == now else None,
            }
            for at, (key, one) in enumerate(self._stages.items())
        ]

    @property
    def done(self) -> float:
        """Of all stages, 0 to 1."""
        total = sum(WEIGHTS[key] for key in self._stages)
        return sum(WEIGHTS[one["key"]] * one["done"] for one in self.rows()) / total

    def _set(self, key: str, done: float, note: str, left: Any) -> None:
        stage = self._stages[key]
        stage.done, stage.note = min(1.0, done), note
        stage.seconds_left = None if left is None else float(left)

    def _move(self, key: str, ended: str = "", note: str = "") -> None:
        keys = list(self._stages)
        if ended:
            self._set(ended, 1.0, note, None)
        if keys.index(key) > keys.index(self._now):
            self._now = key

    def _end_features(self, words: str) -> None:
        self.split_words, self._features_at = words, self._clock()
        self._move(QUICK, FEATURES, "" if self._begun else wording.CACHED)

    def _encode(self, video: str, share: float) -> None:
        names = list(self._videos)
        if video not in self._videos:
            return
        number, total = names.index(video), sum(self._videos.values()) or 1.0
        before = sum(self._videos[name] for name in names[:number])
        done = (before + share * self._videos[video]) / total
        now = self._clock()
        self._begun = self._begun or (now, done)
        since, from_done = self._begun
        gained = done - from_done
        left = (1 - done) * (now - since) / gained if gained > 0 else None
        note = wording.NEXT_VIDEO.format(name=video, number=number + 1, num=len(names))
        self._set(FEATURES, done, note if len(names) > 1 else "", left)

    def _learn(self, name: str, done: float, left: Any, stop_loss: list[float] | None) -> None:
        title, _, what = name.partition(": ")
        kinds = [key for key, kind in LEARNERS.items() if kind.title == title]
        if not kinds:
            return  # such as the linear heads of a further network
        if stop_loss is not None and kinds[0] == self._request.model:
            self.stop_losses.append(stop_loss)
        is_first = what != "learning"
        share = FIRST_SHARE * done if is_first else FIRST_SHARE + (1 - FIRST_SHARE) * done
        words = wording.HOW_LONG if is_first else wording.LEARNING
        if kinds[0] == self._request.model:
            self._set(MODEL, share, words, left)
        elif BASELINES in self._stages:
            others = [key for key, kind in LEARNERS.items() if not kind.is_model]
            self._move(BASELINES, MODEL)
            number = others.index(kinds[0]) if kinds[0] in others else 0
            self._set(BASELINES, (number + share) / self._num_baselines, title, left)


def message_of(progress: TeachProgress, *, is_quick_told: bool) -> dict[str, Any]:
    """What a process tells of its progress, in plain values."""
    message: dict[str, Any] = {
        "stage": progress.stage,
        "done": progress.done,
        "left": progress.seconds_left,
    }
    if progress.stop_loss is not None:
        message["stop_loss"] = [progress.num_steps, round(progress.stop_loss, 4)]
    if progress.split is not None:
        message["split"] = progress.split.words()
    if progress.stage == "linear heads" and progress.done >= 1 and not is_quick_told:
        message |= {"is_quick": True, "quick_f1": progress.quick_f1}
    return message
