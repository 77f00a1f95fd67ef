"""Putting the app together and serving it: environment, registry, page, and the way to the CSV."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import socket
import tempfile
import threading
import time
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING
from urllib.parse import quote

from app import text
from app.folders import (
    MAX_KEPT_STREAM_FILES,
    bundled_sample,
    default_runs_folder,
    sweep_dead_upload_folders,
    sweep_runs_folder,
    sweep_uploads,
)
from app.tools import Tools, vidmem_tools
from vidmem.errors import VidmemError

if TYPE_CHECKING:
    from fastapi import FastAPI

    from app.downloads import CsvFolder
    from app.handlers import Handlers
    from app.registry import RunRegistry
    from app.streams import StreamPools

logger = logging.getLogger(__name__)

BUNDLED_MODEL = "fam-swin-nano"
SWEEP_SECONDS = 60.0
UPLOADS_PREFIX = "vidmem-uploads-"


@dataclass(frozen=True, kw_only=True)
class AppSettings:
    """What the flags say."""

    host: str = "127.0.0.1"
    port: int = 7860
    model: str = BUNDLED_MODEL
    videos: Path | None = None
    sample: Path | None = None
    """`None`: the bundled one."""

    max_upload_bytes: int = 4 * 10**9
    max_runs: int = 4
    grace_seconds: float = 20.0
    """How long a run outlives its last page, so that a reload finds it again."""

    allow_addresses: bool = False
    """Whether visitors may have addresses opened, where the app is not for this machine alone."""

    runs_folder: Path | None = None
    """Where predictions are kept; `None`: in the user's cache folder."""

    upload_folder: Path = field(
        default_factory=lambda: Path(tempfile.gettempdir()) / f"{UPLOADS_PREFIX}{os.getpid()}"
    )


@dataclass(frozen=True)
class App:
    """The app, ready to be served."""

    api: FastAPI
    registry: RunRegistry
    end_connections: Callable[[], None]
    """To be called before the server stops."""

    streams: StreamPools


def quiet_environment(upload_folder: Path) -> None:
    """No telemetry, no look-ups, uploads where they can be swept; before Gradio is imported."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["GRADIO_TEMP_DIR"] = str(upload_folder)


def build_app(settings: AppSettings, tools: Tools | None = None) -> App:
    """Everything but the server."""
    sweep_dead_upload_folders(Path(tempfile.gettempdir()), UPLOADS_PREFIX)
    settings.upload_folder.mkdir(parents=True, exist_ok=True)
    quiet_environment(settings.upload_folder)
    from app.downloads import CsvFolder
    from app.handlers import Handlers
    from app.live import is_loopback
    from app.registry import RunRegistry
    from app.runs import Run
    from app.streams import StreamPools
    from app.videos import VideoShelf

    tools = tools or vidmem_tools(settings.model)
    runs_folder = settings.runs_folder or default_runs_folder()
    files = CsvFolder(runs_folder)
    shelf = VideoShelf(settings.sample or bundled_sample(), settings.videos, settings.upload_folder)
    streams_folder = runs_folder / "streams"
    may_watch_addresses = settings.allow_addresses or is_loopback(settings.host)
    pools = StreamPools(
        tools,
        shelf,
        CsvFolder(streams_folder),
        max_pools=settings.max_runs,
        may_watch_addresses=may_watch_addresses,
    )
    registry = RunRegistry(
        lambda run_id: Run(run_id, tools, settings.model, files),
        max_runs=settings.max_runs,
        on_freed=pools.freed,
        grace_seconds=settings.grace_seconds,
    )
    handlers = Handlers(
        registry,
        shelf,
        tools,
        max_upload_bytes=settings.max_upload_bytes,
        may_watch_addresses=may_watch_addresses,
    )
    api, end_connections = _mount(handlers, registry, settings, files, pools)

    def sweep() -> None:
        sweep_uploads(settings.upload_folder)
        written = {files.newest(run_id) for run_id in registry.run_ids}
        sweep_runs_folder(runs_folder, in_use=written)
        written = pools.files_in_use()
        sweep_runs_folder(streams_folder, max_files=MAX_KEPT_STREAM_FILES, in_use=written)

    registry.start_sweeping(also=_at_most_every(SWEEP_SECONDS, sweep))
    threading.Thread(target=_warm_up, args=(tools, settings.model), daemon=True).start()
    return App(api, registry, end_connections, pools)


def _mount(
    handlers: Handlers,
    registry: RunRegistry,
    settings: AppSettings,
    files: CsvFolder,
    pools: StreamPools,
) -> tuple[FastAPI, Callable[[], None]]:
    """The page and the addresses beside it."""
    from fastapi import FastAPI
    from fastapi.responses import PlainTextResponse, Response, StreamingResponse

    from app.cost_routes import add_cost_routes
    from app.inside_routes import add_inside_routes
    from app.mask_routes import add_mask_routes
    from app.mattered_routes import add_mattered_routes
    from app.page import mount_page
    from app.planner_routes import add_planner_routes
    from app.streams_routes import add_streams_routes
    from app.webcam_routes import add_webcam_routes

    api = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    def predictions(run_id: str, name: str) -> Response:
        found = files.open(run_id, name)
        if found is None:
            return PlainTextResponse("There are no predictions of this run (any more).", 404)
        headers = {
            "Content-Length": str(found.num_bytes),
            "Content-Disposition": f"attachment; filename*=utf-8''{quote(found.name)}",
        }
        return StreamingResponse(found.pieces, media_type="text/csv", headers=headers)

    def left(page: str) -> Response:
        handlers.left(page)
        return Response(status_code=204)

    api.add_api_route("/left/{page}", left, methods=["POST"], response_model=None)
    api.add_api_route("/runs/{run_id}/{name}", predictions, response_model=None)
    add_mask_routes(api)
    add_inside_routes(api, registry)
    add_mattered_routes(api, registry)
    add_cost_routes(api, registry)
    add_planner_routes(api, registry, handlers.tools)
    add_streams_routes(api, registry, pools)
    add_webcam_routes(api, registry)
    end_connections = mount_page(
        api,
        handlers,
        max_upload_bytes=settings.max_upload_bytes,
        blocked_folders=[str(settings.runs_folder or default_runs_folder())],
    )
    return api, end_connections


def _at_most_every(seconds: float, work: Callable[[], None]) -> Callable[[], None]:
    due = 0.0

    def call() -> None:
        nonlocal due
        if time.monotonic() >= due:
            due = time.monotonic() + seconds
            work()

    return call


def _warm_up(tools: Tools, model: str) -> None:
    """Load the model before the first page asks for it, and what draws masks."""
    from app.masks import warm_up

    try:
        tools.load_model(model)
    except VidmemError as error:
        logger.warning("%s", error)  # the page says it too
    warm_up()


class _BrokenOff(logging.Filter):
    """An upload that somebody broke off is no error of ours."""

    def filter(self, record: logging.LogRecord) -> bool:
        kind = record.exc_info[0] if record.exc_info else None
        return kind is None or kind.__name__ != "ClientDisconnect"


def _is_free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def run_app(settings: AppSettings, *, open_browser: bool = False) -> int:
    """Serve until Ctrl-C; returns the exit status."""
    import uvicorn

    if not _is_free(settings.host, settings.port):
        logger.error(text.PORT_TAKEN.format(port=settings.port, host=settings.host))
        return 1
    app = build_app(settings)
    address = f"http://{settings.host}:{settings.port}"
    config = uvicorn.Config(
        app.api,
        host=settings.host,
        port=settings.port,
        log_level="warning",
        timeout_graceful_shutdown=2,
    )

    logging.getLogger("uvicorn.error").addFilter(_BrokenOff())

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            app.end_connections()
            super().handle_exit(sig, frame)

    logger.info("vidmem is at %s (Ctrl-C stops it)", address)
    if open_browser:
        threading.Timer(1.0, webbrowser.open, [address]).start()
    try:
        with contextlib.suppress(KeyboardInterrupt):
            Server(config).run()
    finally:
        app.registry.close()
        shutil.rmtree(settings.upload_folder, ignore_errors=True)
    return 0
