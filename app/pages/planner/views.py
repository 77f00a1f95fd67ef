"""What the Planner page shows: a plan in figures and words, the study's table, a file."""

from __future__ import annotations

import logging
from dataclasses import asdict, replace
from typing import Any

from app.pages.api import Download, Query
from app.pages.planner.fields import (
    CURVE_L_MEMS,
    DEVICE,
    DTYPE,
    Planned,
    machine,
    planned,
    request_of,
)
from app.pages.planner.wording import facts, fewer_together, headline, uncounted
from app.tools import ModelChoice
from vidmem.errors import SettingError, VidmemError
from vidmem.figures import ThemeName, plan_memory_figure, plan_streams_figure
from vidmem.plain import to_json
from vidmem.planner import Plan, PlanRequest, compare_with_study, plan, plan_numbers, study_numbers

logger = logging.getLogger(__name__)


def catalogue(models: list[ModelChoice]) -> dict[str, Any]:
    """The models that can be planned, what can be set of each, and this machine."""
    listed = []
    for one in models:
        try:
            fields = planned(one.name).as_dict()
        except VidmemError as error:  # a broken folder must not hide the other models
            logger.warning("%s cannot be planned: %s", one.name, error)
            continue
        about = {"name": one.name, "title": one.title, "is_here": one.is_available}
        listed.append({**about, **fields})
    choices = [DTYPE.as_dict(), DEVICE.as_dict()]
    return {"models": listed, "choices": choices, "machine": machine()}


def model_of(query: Query, models: list[ModelChoice]) -> tuple[str, Planned]:
    """The model that a query names, if it is on the list.

    Raises:
        SettingError: If it is not.
    """
    name, names = query.get("model", ""), [one.name for one in models]
    if name not in names:
        raise SettingError(f"model must be one of {', '.join(names)}, got {name!r}")
    return name, planned(name)


def plan_answer(query: Query, models: list[ModelChoice], theme: ThemeName) -> dict[str, Any]:
    """All that the page shows of a plan.

    Raises:
        SettingError: If something is not allowed.
    """
    _, model = model_of(query, models)
    request = request_of(query, model)
    best = plan(request)
    return {
        "texts": _facts(request, best),
        "memory": plan_memory_figure(request, best, theme=theme),
        "streams": plan_streams_figure(request, _over_l_mem(request, model), theme=theme),
    }


def _over_l_mem(request: PlanRequest, model: Planned) -> dict[int, Plan]:
    """Plans along the slider of `l_mem`, and at the value of the request."""
    allowed = next(number for number in model.numbers if number.name == "l_mem")
    wanted = sorted({*(CURVE_L_MEMS if allowed.high else (0,)), request.size.l_mem})
    sizes = {l_mem: replace(request.size, l_mem=l_mem) for l_mem in wanted}
    return {l_mem: plan(replace(request, size=size)) for l_mem, size in sizes.items()}


def _facts(request: PlanRequest, best: Plan) -> dict[str, Any]:
    short, more = headline(best)
    notes = [fewer_together(request, best), uncounted(request)]
    study = compare_with_study(request) if request.has_memory else None
    return {
        "headline": short,
        "more": more,
        "binds": best.binds if len(best.limits) > 1 or not best.streams else "",
        "notes": [note for note in notes if note],
        "facts": [asdict(fact) for fact in facts(request, best)],
        "dtype": str(request.size.dtype).removeprefix("torch."),
        "batch": best.batch_size,
        "study": study_numbers(study) if study else {"rows": [], "sentences": []},
    }


def plan_download(query: Query, models: list[ModelChoice]) -> Download:
    """The plan as `vidmem plan --study --json` writes it.

    Raises:
        SettingError: If something is not allowed.
    """
    name, model = model_of(query, models)
    request = request_of(query, model)
    numbers: dict[str, Any] = {"model": name, **plan_numbers(request, plan(request))}
    if request.has_memory:
        numbers["study"] = study_numbers(compare_with_study(request))
    content = to_json(numbers, indent=2).encode()
    return Download(f"plan-{model.card.name}.json", "application/json", content)
