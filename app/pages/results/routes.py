"""The addresses of the Results page."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from app.pages.api import PageRequest, Routes
from app.pages.results.agreement import agreement_answer, spans_answer
from app.pages.results.brought import MAX_BYTES, BroughtFiles
from app.pages.results.exports import (
    agreement_file,
    boris_file,
    bouts_file,
    budget_file,
    transitions_file,
)
from app.pages.results.run_routes import add_run_routes
from app.pages.results.shown import FILE, Accounts
from app.pages.results.views import (
    bout_list,
    budget_answer,
    budget_of,
    choices,
    figure_answer,
    filter_of,
    transitions_answer,
    transitions_of,
)
from app.pages.services import Services


def add_results_routes(api: FastAPI, services: Services) -> None:
    """Answer what the Results page asks for, and what others ask of a kept run's bouts."""
    routes = Routes(api, services.registry.find)
    accounts = Accounts(services.project, BroughtFiles())
    add_run_routes(routes, services.project)
    _add_answers(routes, accounts)
    _add_files(routes, accounts)


def _add_answers(routes: Routes, accounts: Accounts) -> None:
    def bring(request: PageRequest) -> dict[str, Any]:
        videos = [one.labelled for one in accounts.project.videos.list()]
        names = accounts.project.ethogram.names
        file = accounts.brought.add(request.text("name"), request.body, videos, names)
        return {
            "key": f"{FILE}{file.key}",
            "title": file.name,
            "num_bouts": len(file.labels.bouts),
            "videos": sorted({track.video for track in file.labels.tracks}),
            "problems": list(file.problems),
            "notes": list(file.notes),
        }

    def bouts(request: PageRequest) -> dict[str, Any]:
        return bout_list(accounts.shown(request), filter_of(request))

    def budget(request: PageRequest) -> dict[str, Any]:
        shown = accounts.shown(request)
        return budget_answer(shown, budget_of(shown, request))

    def sequences(request: PageRequest) -> dict[str, Any]:
        shown = accounts.shown(request)
        return transitions_answer(shown, transitions_of(shown, request), request.theme)

    def figure(request: PageRequest) -> dict[str, Any]:
        return figure_answer(accounts.shown(request), request)

    routes.json("/results/choices", lambda request: choices(accounts), work="figure")
    routes.json("/results/bouts", bouts, work="figure")
    routes.json("/results/budget", budget, work="figure")
    routes.json("/results/transitions", sequences, work="figure")
    routes.json("/results/figure", figure, work="figure")
    routes.json(
        "/results/agreement", lambda request: agreement_answer(accounts, request), work="figure"
    )
    routes.json(
        "/results/agreement/spans", lambda request: spans_answer(accounts, request), work="figure"
    )
    routes.post(
        "/results/files", bring, max_bytes=MAX_BYTES, body="a file of labels", work="upload"
    )


def _add_files(routes: Routes, accounts: Accounts) -> None:
    for address, make in (
        ("/results/bouts.csv", bouts_file),
        ("/results/boris", boris_file),
        ("/results/budget.csv", budget_file),
        ("/results/transitions.csv", transitions_file),
        ("/results/agreement.{kind}", agreement_file),
    ):
        routes.file(address, lambda request, make=make: make(accounts, request), work="figure")
