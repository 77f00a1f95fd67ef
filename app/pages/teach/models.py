"""The models of the project as the page lists and reports them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from app.projects.taught_models import TaughtModel, TaughtModels
from vidmem.labels import NONE_OF_THESE, Ethogram
from vidmem.teaching import GOOD_F1, USABLE_F1

logger = logging.getLogger(__name__)

Report = Mapping[str, Any]
"""As `vidmem.teaching.read_report` gives it."""

LEAST_GAIN = 0.05
"""Over always naming the most common behaviour; with less, it is hardly better than a guess."""

LEAST_BETTER = 0.01
"""Of macro-F1, by which another answer is said to be better."""

MAX_WEAK = 2


def model_rows(models: TaughtModels) -> list[dict[str, Any]]:
    """The list of models, the newest first."""
    return [model_row(one, models.report_of(one)) for one in models.list()]


def model_row(model: TaughtModel, report: Report) -> dict[str, Any]:
    """One line of the list."""
    request = model.about.get("request") or {}
    split = (report.get("split") or {}).get("seconds") or {}
    seconds = model.about.get("labelled_seconds", sum(split.values()) or None)
    return {
        "model": model.name,
        "title": model.title,
        "kind": report.get("model") or request.get("model") or "",
        "macro_f1": report.get("macro_f1"),
        "taught_at": model.taught_at.isoformat(timespec="seconds"),
        "labelled_seconds": seconds,
        "num_bouts": model.about.get("num_bouts"),
        "num_videos": model.about.get("num_videos"),
    }


def report_answer(model: TaughtModel, report: Report, now: Ethogram) -> dict[str, Any]:
    """All that the page shows of a model.

    Args:
        model: Of the project.
        report: What was written beside it.
        now: The ethogram of the project, for its colours.
    """
    answer: dict[str, Any] = {"model": model_row(model, report), "axes": []}
    if not report:
        return answer
    colours = {one.name: one.colour for one in now}
    try:
        return answer | _facts(report, model.about.get("behaviour_seconds") or {}, colours)
    except (KeyError, TypeError, IndexError, ValueError) as error:
        # Of another version of vidmem, or damaged: the model itself may be whole.
        logger.warning("the report of %s cannot be shown: %r", model.title, error)
        return answer


def _facts(
    report: Report, labelled: Mapping[str, float], colours: Mapping[str, str]
) -> dict[str, Any]:
    candidates = report["candidates"]
    chosen = candidates[0]
    names = list(report["axes"])
    return {
        "axes": [
            {
                "name": name,
                **_axis_facts(
                    chosen,
                    index,
                    _class_rows(chosen["seeds"][0][index], labelled, colours, name),
                ),
                "calibration": report["calibration"][index],
            }
            for index, name in enumerate(names)
        ],
        "tested_seconds": report["split"]["seconds"]["test"],
        "split": report["split"],
        "candidates": [_candidate_row(one, len(names)) for one in reversed(candidates)],
        "majority": [
            _majority(chosen["seeds"][0][index]["majority"]) for index in range(len(names))
        ],
        "better": [
            one["title"]
            for one in candidates[1:]
            if (one["macro_f1"] or 0.0) > (chosen["macro_f1"] or 0.0) + LEAST_BETTER
        ],
        # Of a correction, the network of the model before may have stayed as it was.
        "is_linear": set(chosen["num_steps"]) == {0} and not chosen.get("continues_earlier"),
        "earlier": _earlier_row(report, len(names)),
        "memory": report["memory"],
        "curve": report["learning_curve"],
        "judged": report.get("judged") or [],
        "label_next": report["label_next"],
        "latency_seconds": report["latency_seconds"],
        "colours": {
            one: colours.get(one, "") for classes in report["axes"].values() for one in classes
        },
    }


def _earlier_row(report: Report, num_axes: int) -> dict[str, Any] | None:
    """The scores of the model that this one corrects, on the same time; `None`: it is new."""
    earlier = report.get("earlier")
    if not earlier:
        return None
    before, now = earlier["macro_f1"], report["macro_f1"]
    change = "unknown"
    if before is not None and now is not None:
        gain = now - before
        change = "better" if gain > LEAST_BETTER else "worse" if gain < -LEAST_BETTER else "same"
    return {
        **_candidate_row(earlier, num_axes),
        "macro_f1_before": before,
        "macro_f1_now": now,
        "change": change,
    }


def _axis_facts(chosen: Report, index: int, classes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    score = chosen["seeds"][0][index]
    f1, majority = _macro_f1(chosen, index), _majority(score["majority"])
    weak = [
        one
        for one in classes
        if one["tested_seconds"] and one["f1"] is not None and one["f1"] < USABLE_F1
    ]
    interval = score["macro_f1_interval"]
    # The interval is of behaviours alone.
    is_of_it = score["macro_f1"] == score["macro_f1_with_none"]
    return {
        "f1": f1,
        "low": interval["low"] if is_of_it else None,
        "high": interval["high"] if is_of_it else None,
        "majority": majority,
        "rating": _rating(f1, majority["f1"] or 0.0),
        "classes": classes,
        "weak": sorted(weak, key=lambda one: one["f1"])[:MAX_WEAK],
        "untested": [one["name"] for one in classes if not one["tested_seconds"]],
        "confusion": _confusion(score),
    }


def _class_rows(
    score: Report, labelled: Mapping[str, float], colours: Mapping[str, str], axis: str
) -> list[dict[str, Any]]:
    return [
        {
            "name": one["behaviour"],
            "colour": colours.get(one["behaviour"], ""),
            "f1": one["f1"],
            "precision": one["precision"],
            "recall": one["recall"],
            "tested_seconds": one["support_seconds"],
            "labelled_seconds": _labelled(labelled, axis, one["behaviour"]),
        }
        for one in score["per_class"]
        if one["f1"] is not None or one["behaviour"] != NONE_OF_THESE
    ]


def _confusion(score: Report) -> dict[str, Any]:
    """Seconds of each pair, of classes that occur in labels or predictions."""
    names, rows = score["class_names"], score["confusion_seconds"]
    used = [
        at
        for at, name in enumerate(names)
        if name != NONE_OF_THESE or sum(rows[at]) or sum(row[at] for row in rows)
    ]
    return {
        "names": [names[at] for at in used],
        "seconds": [[round(rows[a][b], 3) for b in used] for a in used],
    }


def _candidate_row(candidate: Report, num_axes: int) -> dict[str, Any]:
    scores = candidate["seeds"][0]
    edges = [one["edges"][side]["median_seconds"] for one in scores for side in ("start", "end")]
    bouts = [
        found["f1"] for one in scores for found in one["segmental"] if found["iou_percent"] == 50
    ]
    return {
        "name": candidate["name"],
        "title": candidate["title"],
        "f1": [_macro_f1(candidate, index) for index in range(num_axes)],
        "bouts_f1": _mean(bouts),
        "edge_seconds": _mean([one for one in edges if one is not None]),
        "seconds": candidate["seconds"],
    }


def _macro_f1(candidate: Report, index: int) -> float | None:
    """The mean over seeds, with *none of these* where it is taught."""
    return _mean([scores[index]["macro_f1_with_none"] for scores in candidate["seeds"]])


def _majority(found: Report) -> dict[str, Any]:
    return {"behaviour": found["behaviour"], "f1": found["macro_f1_with_none"]}


def _labelled(labelled: Mapping[str, float], axis: str, behaviour: str) -> float | None:
    key = f"{axis}: {behaviour}" if behaviour == NONE_OF_THESE else behaviour
    return labelled.get(key)


def _rating(f1: float | None, majority: float) -> str:
    """As the verdict of the report has it, in one word."""
    if f1 is None:
        return "none"
    if f1 < majority + LEAST_GAIN:
        return "guess"
    return "good" if f1 >= GOOD_F1 else "usable" if f1 >= USABLE_F1 else "weak"


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known and len(known) == len(values) else None
