"""The shell of the app: all pages as one Gradio document, and three events wired to handlers."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import gradio as gr
from fastapi import FastAPI
from gradio.routes import App
from starlette.routing import Mount

from app.guard.gradio_requests import GradioRequests
from app.guard.visitor import REMOTE, Visitor, visitor_of
from app.pages import PAGES
from app.pages.parts import Page, PagePart, Section
from app.pages.scripts import Scripts
from app.pages.shared.words import WORDS as SHARED_WORDS
from app.pages.watch.actions import Handlers, Reply
from vidmem.plain import to_json

LIVELY_SECONDS = 0.2
QUIET_SECONDS = 1.0
"""How often a page asks while something plays, and while nothing does."""

SHARED = Page(
    id="shared",
    title="",
    folder=Path(__file__).parent / "pages/shared",
    styles=("base", "region_picker", "video/chooser", "video/player"),
    words=SHARED_WORDS,
)
HEADER = PagePart("header", id="topbar")
FEED = PagePart("bus")
"""The one invisible part: what the server sends arrives here, and requests leave here."""


@cache
def scripts() -> Scripts:
    """The scripts of all pages, read once per process."""
    return Scripts.read(page.folder for page in (SHARED, *PAGES))


def words() -> dict[str, str]:
    """The words of all pages, by key; a page's title is `page_<id>`."""
    titles = {f"page_{page.id}": page.title for page in PAGES}
    return dict(
        titles, **{key: word for page in (SHARED, *PAGES) for key, word in page.words.items()}
    )


def build_page(handlers: Handlers) -> gr.Blocks:
    """Lay the page out. A visitor's `gr.State` holds the id of a run and nothing else."""
    with gr.Blocks(
        title="vidmem: Watch",
        analytics_enabled=False,
        fill_width=True,
    ) as blocks:
        run_id = gr.State("")
        timer = gr.Timer(QUIET_SECONDS)
        _component(SHARED, HEADER, {"links": _links()})
        answers = _component(SHARED, FEED, classes=("vm-silent",))
        for page in PAGES:
            for section in page.sections:
                _lay_out(page, section)
        _wire(blocks, handlers, (run_id, answers), timer)
    return blocks


def base_style() -> str:
    """The style that all pages share."""
    return SHARED.read("base.css")


def head() -> str:
    """Styles, words and the addresses of scripts, for the page's head."""
    styles = [page.read(f"{name}.css") for page in (SHARED, *PAGES) for name in page.styles]
    styles += [_hidden_elsewhere(section) for page in PAGES for section in page.sections]
    style = "\n".join(styles)
    parts = _pages_of_parts()
    content = {"words": words(), "parts": parts}
    # A `</script>` within a word would end the element.
    as_json = to_json(content, ensure_ascii=False).replace("</", "<\\/")
    # Preloaded together: a browser would otherwise discover imports of imports one after another.
    at_once = ["shared/parts", *(name for name, pages in parts.items() if not pages)]
    fetched = [
        f'<link rel="modulepreload" href="{scripts().address(name)}">'
        for name in scripts().imported_by(at_once)
    ]
    return "\n".join(
        (
            '<meta name="color-scheme" content="light dark">',
            f"<style>{style}</style>",
            f'<script type="application/json" id="vidmem-page">{as_json}</script>',
            *fetched,
        )
    )


def _pages_of_parts() -> dict[str, tuple[str, ...]]:
    """By the script of a part, the pages that have it; of what is there from the beginning none."""
    pages: dict[str, tuple[str, ...]] = {_script_name(SHARED, part): () for part in (HEADER, FEED)}
    for page in PAGES:
        for section in page.sections:
            is_first = PAGES[0].id in section.shown_on
            for part in (part for column in section.columns for part in column):
                pages[_script_name(page, part)] = () if is_first else section.shown_on
    return pages


def _script_name(page: Page, part: PagePart) -> str:
    return f"{page.folder.name}/{part.name}"


def _hidden_elsewhere(section: Section) -> str:
    shown = ", ".join(f'[data-view="{page}"]' for page in section.shown_on)
    return f"body:not({shown}) #{section.element_id} {{ display: none; }}"


def _links() -> str:
    shown, group = [], ""
    for page in PAGES:
        if page.group and page.group != group:
            shown.append(f"<span>{page.group}</span>")
        group = page.group
        shown.append(f'<a href="#{page.id}" data-view="{page.id}">{page.title}</a>')
    return "".join(shown)


def _lay_out(page: Page, section: Section) -> None:
    with gr.Column(elem_id=section.element_id, elem_classes=["vm-page"]):
        if len(section.columns) == 1:
            for part in section.columns[0]:
                _component(page, part)
            return
        with gr.Row(elem_id="columns"):
            for column in section.columns:
                with gr.Column():
                    for part in column:
                        _component(page, part)


def _component(
    page: Page,
    part: PagePart,
    more_words: dict[str, str] | None = None,
    classes: tuple[str, ...] = (),
) -> gr.HTML:
    """A part of the page; its markup is fixed, and its script fills it."""
    all_words = words() | (more_words or {})
    markup = re.sub(
        r"\[\[(\w+)\]\]", lambda match: all_words[match[1]], page.read(f"{part.name}.html")
    )
    parts = scripts().imported("shared/parts")
    name = _script_name(page, part)
    gradio = "{ watch, props, trigger }"
    return gr.HTML(
        value="",
        html_template=markup,
        js_on_load=f"{parts}.then(({{ start }}) => start({name!r}, element, {gradio}))",
        apply_default_css=False,
        elem_id=part.element_id,
        elem_classes=[*classes],
        padding=False,
    )


def mount_page(
    api: FastAPI, handlers: Handlers, *, blocked_folders: list[str]
) -> Callable[[], None]:
    """Serve the page at `/`, without telemetry, and without folders that browsers could read.

    Returns:
        What to call before the server stops: it ends the connections that pages hold open.
    """
    scripts().add_routes(api)
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
        blocked_paths=blocked_folders,
    )
    mount = next(route for route in reversed(api.routes) if isinstance(route, Mount))
    gradio_app = mount.app
    assert isinstance(gradio_app, App)
    blocks = gradio_app.get_blocks()
    # Nothing of ours is queued, and Gradio looks into its queue a thousand times a second.
    blocks._queue.sleep_when_free = blocks._queue.progress_update_sleep_when_free = QUIET_SECONDS
    functions = blocks.fns
    num_inputs = {number: len(function.inputs) for number, function in functions.items()}
    mount.app = GradioRequests(gradio_app, num_inputs)

    def end_connections() -> None:
        # Gradio ends the event streams of its pages with this event only.
        gradio_app.stop_event.set()

    return end_connections


def _wire(
    page: gr.Blocks, handlers: Handlers, carried: tuple[gr.State, gr.HTML], timer: gr.Timer
) -> None:
    """Three events: the page opens, it polls or acts, it is closed."""
    outputs = [*carried, timer]

    def open_page(run: str, request: gr.Request) -> tuple[Any, Any, Any]:
        return _answer(handlers.open_page(_page(request), run, _visitor(request)))

    def sync(run: str, message: str, request: gr.Request) -> tuple[Any, Any, Any]:
        return _answer(handlers.sync(_page(request), run, message, _visitor(request)))

    def left(request: gr.Request) -> None:
        handlers.close_page(_page(request))

    # Hidden progress is drawn all the same, sixty times a second, but on what is not seen at all.
    unseen: dict[str, Any] = {"show_progress": "hidden", "show_progress_on": timer}
    # None is queued: the queue takes a second connection per page, and browsers allow a host six.
    bus = scripts().imported("shared/bus")
    opening = {"inputs": [carried[1]], "js": f"async (feed) => [await (await {bus}).keptRun()]"}
    page.load(open_page, **opening, outputs=outputs, queue=False, **unseen)
    ask: dict[str, Any] = {
        "fn": sync,
        "inputs": list(carried),
        "outputs": outputs,
        "js": f"async (run, feed) => [run, await (await {bus}).message()]",
        "queue": False,
        **unseen,
    }
    # A tick is skipped while the one before is answered; an action never is.
    timer.tick(**ask, trigger_mode="once")
    carried[1].input(**ask, trigger_mode="multiple")
    page.unload(left)


def _page(request: gr.Request) -> str:
    return request.session_hash or ""


def _visitor(request: gr.Request) -> Visitor:
    return visitor_of(request.request.scope) if request.request is not None else REMOTE


def _answer(reply: Reply | None) -> tuple[Any, Any, Any]:
    if reply is None:
        return gr.skip(), gr.skip(), gr.skip()
    seconds = LIVELY_SECONDS if reply.is_lively else QUIET_SECONDS
    pace = gr.Timer(seconds) if reply.has_changed_pace else gr.skip()
    return reply.run_id, reply.payload, pace
