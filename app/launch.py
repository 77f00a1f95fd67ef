"""Putting the app together and serving it."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from app.guard import wording as guard_wording
from app.guard.access import Access, Password
from app.guard.browser import open_browser
from app.guard.hosts import allowed_hosts, is_loopback, name_to_print
from app.guard.layer import Guard
from app.guard.visitor import REMOTE
from app.pages import PAGES
from app.pages.masks.views import draw_first_mask
from app.pages.project_routes import add_project_routes
from app.pages.services import Services
from app.pages.streams.pools import StreamPools
from app.pages.watch.actions import Handlers
from app.projects.proxies import Proxies
from app.projects.taught_models import TaughtModels
from app.run.folders import (
    bundled_sample,
    default_runs_folder,
    make_private,
    sweep_runs_folder,
)
from app.run.kept.files import KeptFiles
from app.run.registry import RunRegistry
from app.run.results.files import CsvFolder
from app.run.run import Run
from app.run.wording import PORT_TAKEN
from app.serving.clock import AnsweringClock
from app.serving.heap import give_back_free_memory, share_heaps
from app.sources.live import Reach
from app.sources.pictures import PictureLike, first_pictures
from app.sources.shelf import VideoShelf
from app.sources.uploads import UploadFolder, sweep_dead_folders
from app.sources.wording import links_left_out
from app.teaching.jobs import TeachJobs
from app.teaching.live_lessons import LiveLessons
from app.tools import Tools, vidmem_tools, with_taught_models
from vidmem.errors import ProjectError, SettingError, VidmemError
from vidmem.projects import Project
from vidmem.video import limit_children

logger = logging.getLogger(__name__)

BUNDLED_MODEL = "fam-swin-nano"
SWEEP_SECONDS = 60.0
MAX_DECODERS = 100
"""Processes that decode, of all visitors together: some 20 to 60 MB each, idle."""


@dataclass(frozen=True, kw_only=True)
class AppSettings:
    """Settings of the app, as the flags give them."""

    host: str = "127.0.0.1"
    port: int = 7860
    model: str = BUNDLED_MODEL
    project: Path | None = None
    """The folder that keeps labels and runs; `None`: the user's default one."""

    videos: Path | None = None
    follows_links: bool = False
    """Whether links in that folder may lead out of it."""

    sample: Path | None = None
    """`None`: the bundled one."""

    max_upload_bytes: int = 4 * 10**9
    max_runs: int = 4
    grace_seconds: float = 20.0
    """How long a run outlives its last page, so that a reload finds it again."""

    token: str | None = field(default=None, repr=False)
    """In the printed address; `None`: a new one, or none where there is a password."""

    has_token: bool = True
    """False: whoever reaches the app may use it; for this machine alone."""

    password: str | None = field(default=None, repr=False)
    """Asked for on the first page; only a hash of it is kept."""

    allowed_hosts: tuple[str, ...] = ()
    """Names of the app besides loopback's and `host`, such as that of a proxy before it."""

    allow_addresses: bool = False
    """Whether visitors who do not sit at this machine may have addresses and cameras opened."""

    allowed_networks: tuple[str, ...] = ()
    """Private networks whose addresses are opened for them too, such as `192.168.20.0/24`."""

    runs_folder: Path = field(default_factory=default_runs_folder)
    """Where predictions of many streams are kept, in its folder `streams`; and those of the Watch
    page from before there were projects."""

    upload_folder: Path | None = None
    """`None`: a new one in the folder for temporary files, that nobody else can read."""

    def check_reach(self) -> None:
        """Check names, and that nobody from elsewhere gets in without a password.

        Raises:
            SettingError: With what to type.
        """
        if not is_loopback(self.host) and not self.password:
            raise SettingError(guard_wording.needs_password(self.host))
        if not self.has_token and not self.password and self.allowed_hosts:
            raise SettingError(guard_wording.needs_token("--allowed-host is for others"))
        allowed_hosts(self.host, self.port, self.allowed_hosts)
        self.reach.policy_for(REMOTE)

    @property
    def reach(self) -> Reach:
        """Which addresses that visitors type are opened from here."""
        return Reach(allows_everybody=self.allow_addresses, networks=self.allowed_networks)


@dataclass(frozen=True)
class App:
    """The app, ready to be served."""

    api: FastAPI
    address: str
    """For the browser, with the token."""

    registry: RunRegistry
    end_connections: Callable[[], None]
    """To be called before the server stops."""

    streams: StreamPools
    uploads: UploadFolder
    project: Project
    proxies: Proxies
    teaching: TeachJobs
    clock: AnsweringClock
    """To be told of by the server when it could not answer."""

    def close(self) -> None:
        """Free all runs, delete all uploads and close the project, at the end of the process."""
        with ExitStack() as ending:
            ending.callback(self.project.close)
            ending.callback(self.uploads.close)
            ending.callback(self.proxies.close)
            ending.callback(self.registry.close)
            ending.callback(self.teaching.close)


def quiet_environment(upload_folder: Path) -> None:
    """No telemetry, no look-ups, uploads where they can be swept.

    To be called before Gradio is imported, which reads all of it then.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["GRADIO_TEMP_DIR"] = str(upload_folder)


def build_app(settings: AppSettings, tools: Tools | None = None) -> App:
    """Everything but the server.

    Args:
        settings: What the flags say.
        tools: The parts of vidmem that the app uses; tests replace them.

    Raises:
        ProjectError: If the project cannot be opened or made.
    """
    project = Project.open_or_create(settings.project)
    sweep_dead_folders(Path(tempfile.gettempdir()))
    uploads = UploadFolder(settings.upload_folder, settings.max_upload_bytes)
    quiet_environment(uploads.path)
    limit_children(MAX_DECODERS)
    make_private(settings.runs_folder, _streams_folder(settings))
    clock = AnsweringClock()
    from app.page import base_style, mount_page  # which imports Gradio

    models = TaughtModels(project.models_folder)
    tools = with_taught_models(tools or vidmem_tools(settings.model), models)
    shelf = VideoShelf(
        settings.sample or bundled_sample(),
        settings.videos,
        uploads,
        follows_links=settings.follows_links,
    )
    if shelf.num_left_out:
        logger.warning("%s", links_left_out(shelf.num_left_out, settings.videos))
    files = KeptFiles(project, CsvFolder(settings.runs_folder))
    pools = StreamPools(
        tools,
        shelf,
        CsvFolder(_streams_folder(settings)),
        max_pools=settings.max_runs,
        reach=settings.reach,
    )
    lessons = LiveLessons(fit_threads=tools.fit_threads)

    def on_freed(run_id: str) -> None:
        lessons.end(run_id)
        pools.on_run_freed(run_id)

    registry = RunRegistry(
        lambda run_id: Run(run_id, tools, settings.model, files),
        max_runs=settings.max_runs,
        on_freed=on_freed,
        grace_seconds=settings.grace_seconds,
        clock=clock,
    )
    handlers = Handlers(
        registry,
        shelf,
        tools,
        project,
        max_upload_bytes=settings.max_upload_bytes,
        reach=settings.reach,
    )
    teaching = TeachJobs(project, models)
    services = Services(
        registry=registry,
        tools=tools,
        actions=handlers,
        files=files,
        pools=pools,
        project=project,
        teaching=teaching,
        lessons=lessons,
    )

    api = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    for page in PAGES:
        if page.add_routes is not None:
            page.add_routes(api, services)
    proxies = Proxies(project)
    add_project_routes(api, services, proxies)
    end_connections = mount_page(  # at "/", so after all other addresses
        api,
        handlers,
        blocked_folders=[str(settings.runs_folder), str(uploads.path), str(project.folder)],
    )
    access = _access(settings)
    # A policy that allows no other site: where there is one, Gradio leaves its own out.
    api.add_middleware(CORSMiddleware)
    api.add_middleware(  # last, so around everything
        Guard,
        hosts=allowed_hosts(settings.host, settings.port, settings.allowed_hosts),
        access=access,
        cookie=f"vidmem-{settings.port}",
        base_style=base_style(),
    )

    # Runs are swept every two seconds; to look through folders so often would be a waste.
    sweep = _at_most_every(SWEEP_SECONDS, lambda: _sweep(settings, services))
    registry.start_sweeping(also=sweep)
    threading.Thread(target=_warm_up, args=(tools, settings.model, shelf), daemon=True).start()
    address = _address(settings, access)
    return App(
        api=api,
        address=address,
        registry=registry,
        end_connections=end_connections,
        streams=pools,
        uploads=uploads,
        project=project,
        proxies=proxies,
        teaching=teaching,
        clock=clock,
    )


def _access(settings: AppSettings) -> Access:
    password = Password.of(settings.password) if settings.password else None
    token = settings.token if settings.has_token else None
    if token is None and settings.has_token and password is None:
        token = secrets.token_urlsafe(32)
    return Access(token, password)


def _address(settings: AppSettings, access: Access) -> str:
    address = f"http://{name_to_print(settings.host)}:{settings.port}/"
    return address if access.token is None else f"{address}?token={access.token}"


def _streams_folder(settings: AppSettings) -> Path:
    return settings.runs_folder / "streams"


def _sweep(settings: AppSettings, services: Services) -> None:
    _sweep_folders(settings, services)
    services.lessons.sweep()
    give_back_free_memory()


def _sweep_folders(settings: AppSettings, services: Services) -> None:
    pools = services.pools
    pools.shelf.upload_folder.sweep()
    # What the Watch page wrote before there were projects; what it writes now is the project's.
    sweep_runs_folder(settings.runs_folder)
    sweep_runs_folder(_streams_folder(settings), in_use=pools.files_in_use())


def _at_most_every(seconds: float, work: Callable[[], None]) -> Callable[[], None]:
    due = 0.0

    def call() -> None:
        nonlocal due
        if time.monotonic() >= due:
            due = time.monotonic() + seconds
            work()

    return call


def _warm_up(tools: Tools, model: str, shelf: VideoShelf) -> None:
    """Load model, first video and Plotly, so that the first visitor need not wait for them.

    Every page that is opened shows the first video: what is read of it here is read for all.
    """
    video = shelf.first
    try:
        if video is not None:
            tools.probe(video.path)
            first_pictures.get(video.path, lambda path: _first_picture(tools, path))
        tools.load_model(model)
    except (VidmemError, OSError) as error:
        logger.warning("%s", error)  # the page shows it too
    draw_first_mask()


def _first_picture(tools: Tools, path: Path) -> PictureLike:
    source = tools.open_pictures(path)
    try:
        return source.picture(0.0)
    finally:
        source.close()


def _free_port(host: str, port: int) -> int | None:
    """The port if nothing listens there; of 0, one that is free."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        # As the server does: else connections that are still closing would count as another server.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return None
        return probe.getsockname()[1]


def run_app(settings: AppSettings, *, is_opened: bool = False) -> int:
    """Serve until Ctrl-C, SIGTERM or SIGHUP; returns the exit status.

    Args:
        settings: What the flags say.
        is_opened: Whether a browser is opened.
    """
    from app.serving.log import few_alike
    from app.serving.server import Server, ended_by_signals, undisturbed

    try:
        settings.check_reach()
    except SettingError as error:
        logger.error("%s", error)
        return 1
    port = _free_port(settings.host, settings.port)
    if port is None:
        logger.error(PORT_TAKEN.format(port=settings.port, host=settings.host))
        return 1
    settings = replace(settings, port=port)
    share_heaps()
    if not settings.has_token and not settings.password:
        logger.warning("%s", guard_wording.WITHOUT_TOKEN)
    try:
        app = build_app(settings)
    except ProjectError as error:
        logger.error("%s", error)
        return 1
    opened: list[Path | None] = []

    def announce() -> None:
        logger.info("vidmem is at %s (Ctrl-C stops it)", app.address)
        if is_opened:  # in a thread: some browsers return only when they are closed
            show = threading.Thread(
                target=lambda: opened.append(open_browser(app.address)), daemon=True
            )
            show.start()

    server = Server(
        app.api,
        host=settings.host,
        port=settings.port,
        clock=app.clock,
        on_listening=announce,
        on_exit=app.end_connections,  # first, since each page holds a connection
    )
    with few_alike(), ended_by_signals(server):
        try:
            server.run()
        finally:
            with undisturbed():
                for link in filter(None, opened):
                    link.unlink(missing_ok=True)
                app.close()
    return 0
