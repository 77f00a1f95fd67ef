"""What the Planner page asks for: a plan, drawn and told, the study's table beside it, a file."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from app import planner_text
from app.masks import Download
from app.planner_fields import CURVE_L_MEMS, DEVICE, DTYPE, Planned, machine, planned, request_of
from app.tools import ModelChoice
from vidmem.errors import SettingError, VidmemError
from vidmem.figures import ThemeName, plan_memory_figure, plan_streams_figure
from vidmem.profiling import (
    Plan,
    PlanRequest,
    compare_with_study,
    plan,
    plan_numbers,
    study_numbers,
)

logger = logging.getLogger(__name__)


def catalogue(models: list[ModelChoice]) -> dict[str, Any]:
    """The models that can be planned, what can be set of each, and this machine."""
    listed = []
    for one in models:
        try:
            fields = planned(one.name).as_dict()
        except VidmemError as error:
            logger.warning("%s cannot be planned: %s", one.name, error)
            continue
        about = {"name": one.name, "title": one.title, "is_here": one.is_available}
        listed.append({**about, **fields})
    choices = [DTYPE.as_dict(), DEVICE.as_dict()]
    return {"models": listed, "choices": choices, "machine": machine()}


def model_of(asked: Mapping[str, str], models: list[ModelChoice]) -> tuple[str, Planned]:
    """The model that a query names, if it is on the list.

    Raises:
        SettingError: If it is not.
    """
    name, names = asked.get("model", ""), [one.name for one in models]
    if name not in names:
        raise SettingError(f"model must be one of {', '.join(names)}, got {name!r}")
    return name, planned(name)


def answer(asked: Mapping[str, str], models: list[ModelChoice]) -> str:
    """All that the page shows of a plan, as JSON.

    Raises:
        SettingError: If something is not allowed.
    """
    _, found = model_of(asked, models)
    request = request_of(asked, found)
    made = plan(request)
    theme: ThemeName = "dark" if asked.get("theme") == "dark" else "light"
    over = plan_streams_figure(request, _over_l_mem(request, found), theme=theme)
    parts = {
        "said": json.dumps(_said(request, made)),
        "memory": plan_memory_figure(request, made, theme=theme).to_json(),
        "streams": over.to_json(),
    }
    return "{" + ",".join(f'"{name}":{part}' for name, part in parts.items()) + "}"


def _over_l_mem(request: PlanRequest, found: Planned) -> dict[int, Plan]:
    """Plans along the slider of `l_mem`, and for the one asked for."""
    allowed = next(number for number in found.numbers if number.name == "l_mem")
    wanted = sorted({*(CURVE_L_MEMS if allowed.high else (0,)), request.size.l_mem})
    sizes = {l_mem: replace(request.size, l_mem=l_mem) for l_mem in wanted}
    return {l_mem: plan(replace(request, size=size)) for l_mem, size in sizes.items()}


def _said(request: PlanRequest, made: Plan) -> dict[str, Any]:
    headline, more = planner_text.headline(made)
    notes = [planner_text.fewer_together(request, made), planner_text.uncounted(request)]
    study = compare_with_study(request) if _has_memory(request) else None
    numbers = study_numbers(study) if study else {"rows": [], "sentences": []}
    return {
        "headline": headline,
        "more": more,
        "binds": made.binds if len(made.limits) > 1 or not made.streams else "",
        "notes": [note for note in notes if note],
        "facts": [asdict(fact) for fact in planner_text.facts(request, made)],
        "dtype": str(request.size.dtype).removeprefix("torch."),
        "batch": made.batch_size,
        "study": numbers,
    }


def _has_memory(request: PlanRequest) -> bool:
    return getattr(request.config, "memory", True) is not None


def download(asked: Mapping[str, str], models: list[ModelChoice]) -> Download:
    """The plan as `vidmem plan --study --json` writes it.

    Raises:
        SettingError: If something is not allowed.
    """
    name, found = model_of(asked, models)
    request = request_of(asked, found)
    numbers: dict[str, Any] = {"model": name, **plan_numbers(request, plan(request))}
    if _has_memory(request):
        numbers["study"] = study_numbers(compare_with_study(request))
    content = json.dumps(numbers, indent=2).encode()
    return Download(f"plan-{found.card.name}.json", "application/json", content)
