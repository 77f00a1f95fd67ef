"""The pages, which are one document: parts laid out, and handlers wired to events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr
from fastapi import FastAPI
from gradio.routes import App
from starlette.routing import Mount

from app.components import component, feed, head
from app.handlers import Handlers, Reply

LIVELY_SECONDS = 0.2
QUIET_SECONDS = 1.0
"""How often a page asks while something plays, and while nothing does."""
CACHE_SECONDS = (6 * 3600, 7 * 24 * 3600)
"""How often Gradio looks for old files, and how old: longer than anybody watches one upload."""

PAGES = {
    "memory-page": ("memory_page",),
    "heads-page": ("heads_page",),
    "mattered-page": ("mattered",),
    "masks-page": ("masks",),
    "streams-page": ("streams_page",),
    "cost-page": ("cost_page",),
    "planner-page": ("planner",),
}
"""Beside the Watch page; above the first two, its timeline stays."""

MESSAGE = "(run, feed) => [run, window.vidmem.message()]"


def build_page(handlers: Handlers) -> gr.Blocks:
    """Lay the page out. A visitor's `gr.State` holds the id of a run and nothing else."""
    with gr.Blocks(
        title="vidmem: Watch",
        analytics_enabled=False,
        fill_width=True,
        delete_cache=CACHE_SECONDS,
    ) as page:
        run_id = gr.State("")
        timer = gr.Timer(QUIET_SECONDS)
        component("header", "topbar")
        answers = feed()
        with gr.Column(elem_id="page"), gr.Row(elem_id="columns"):
            with gr.Column():
                for name in ("player", "moment", "timeline", "strip"):
                    component(name)
            with gr.Column():
                for name in ("source", "controls", "cost", "bouts"):
                    component(name)
        for page_id, names in PAGES.items():
            with gr.Column(elem_id=page_id):
                for name in names:
                    component(name)
        _wire(page, handlers, (run_id, answers), timer)
    return page


def mount_page(
    api: FastAPI, handlers: Handlers, *, max_upload_bytes: int, blocked_folders: list[str]
) -> Callable[[], None]:
    """Serve the page at `/`; nobody else is told anything, no folder is opened to browsers.

    Returns:
        What to call before the server stops: it ends the connections that pages hold open.
    """
    gr.mount_gradio_app(
        api,
        build_page(handlers),
        path="/",
        head=head(),
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        ssr_mode=False,
        show_error=False,
        pwa=False,
        max_file_size=max_upload_bytes,
        blocked_paths=blocked_folders,
    )
    mounted = [route.app for route in api.routes if isinstance(route, Mount)]

    def end_connections() -> None:
        for one in mounted:
            if isinstance(one, App):
                one.stop_event.set()

    return end_connections


def _wire(
    page: gr.Blocks, handlers: Handlers, carried: tuple[gr.State, gr.HTML], timer: gr.Timer
) -> None:
    """Three events: the page opens, it asks (by the clock or by a hand), it is closed."""
    outputs = [*carried, timer]

    def open_page(run: str, request: gr.Request) -> tuple[Any, Any, Any]:
        return _answer(handlers.open_page(_page(request), run))

    def sync(run: str, message: str, request: gr.Request) -> tuple[Any, Any, Any]:
        return _answer(handlers.sync(_page(request), run, message))

    def left(request: gr.Request) -> None:
        handlers.left(_page(request))

    opening = {"inputs": [carried[1]], "js": "(feed) => [window.vidmem.keptRun()]"}
    page.load(open_page, **opening, outputs=outputs, queue=False, show_progress="hidden")
    ask: dict[str, Any] = {
        "fn": sync,
        "inputs": list(carried),
        "outputs": outputs,
        "js": MESSAGE,
        "queue": False,
        "show_progress": "hidden",
    }
    timer.tick(**ask, trigger_mode="once")
    carried[1].input(**ask, trigger_mode="multiple")
    page.unload(left)


def _page(request: gr.Request) -> str:
    return request.session_hash or ""


def _answer(reply: Reply | None) -> tuple[Any, Any, Any]:
    if reply is None:
        return gr.skip(), gr.skip(), gr.skip()
    seconds = LIVELY_SECONDS if reply.is_lively else QUIET_SECONDS
    pace = gr.Timer(seconds) if reply.has_changed_pace else gr.skip()
    return reply.run_id, reply.payload, pace
