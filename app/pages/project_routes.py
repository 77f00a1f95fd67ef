"""The project's videos at their addresses: the list, the files, and their playable copies.

    GET  project/videos?run=              all, and what can be added
    GET  project/videos/facts?video=      one, with all facts
    POST project/videos/add               {run, key}, or {run, path, name} of an upload
    POST project/videos/remove            {video}
    POST project/videos/start             {video, start}
    GET  media/ID                         the file, by ranges
    GET  media/ID/times?from=&to=         when its frames are shown
    GET  media/ID/proxy, POST the same    how far its playable copy is; begin it
    POST media/ID/proxy/cancel
    GET  media/ID/proxy.mp4               the copy, by ranges

A file is found by the id of its video, never by a path.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import anyio.to_thread
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.routing import Route

from app import sentences
from app.budget import Budget, process_budget
from app.pages.api import PageRequest, Routes
from app.pages.file_ranges import FileRanges
from app.projects.frame_times import KeptFrameTimes
from app.projects.open_file import OpenFile, open_original
from app.projects.proxies import Proxies
from app.projects.videos import ProjectVideos
from app.projects.without_paths import without_paths
from vidmem.errors import VidmemError
from vidmem.projects import ProjectVideo

if TYPE_CHECKING:
    from app.pages.services import Services

TOO_MANY = "Many videos are being played here right now. Try again in a moment."
MAX_ID_DIGITS = 15


def add_project_routes(
    api: FastAPI, services: Services, proxies: Proxies, budget: Budget = process_budget
) -> None:
    """Add them.

    Args:
        api: What serves them.
        services: Of the app.
        proxies: The playable copies of its project.
        budget: Whose places files take.
    """
    probe = services.tools.probe
    videos = ProjectVideos(services.project, services.pools.shelf, probe)
    _add_video_routes(Routes(api, services.registry.find), videos)
    _add_copy_routes(Routes(api, services.registry.find), videos, proxies)
    _add_time_routes(Routes(api, services.registry.find), videos, KeptFrameTimes())

    def original(video: ProjectVideo) -> OpenFile:
        return open_original(services.project, video)

    _add_file_route(api, "/media/{video_id}/proxy.mp4", videos, proxies.open, budget)
    _add_file_route(api, "/media/{video_id}", videos, original, budget)


def _add_video_routes(routes: Routes, videos: ProjectVideos) -> None:
    def add(request: PageRequest) -> dict[str, Any]:
        run_id = request.text("run")
        if request.text("path"):
            name = request.text("name") or "video"
            return {"video": videos.add_upload(run_id, request.text("path"), name)}
        return {"video": videos.add(run_id, request.text("key"))}

    def remove(request: PageRequest) -> dict[str, Any]:
        videos.remove(request.text("video"))
        return {"removed": request.text("video")}

    def start(request: PageRequest) -> dict[str, Any]:
        return {"video": videos.set_start(request.text("video"), request.text("start"))}

    routes.json("/project/videos", lambda request: videos.list(request.text("run")))
    routes.json(
        "/project/videos/facts", lambda request: {"video": videos.record(request.text("video"))}
    )
    routes.post_json("/project/videos/add", add)
    routes.post_json("/project/videos/remove", remove)
    routes.post_json("/project/videos/start", start)


def _add_copy_routes(routes: Routes, videos: ProjectVideos, proxies: Proxies) -> None:
    def status(request: PageRequest) -> dict[str, Any]:
        video = videos.find(_id_of(request.path["video_id"]))
        return proxies.status(video, videos.facts(video))

    def begin(request: PageRequest) -> dict[str, Any]:
        video = videos.find(_id_of(request.path["video_id"]))
        proxies.begin(video, videos.facts(video))
        return proxies.status(video, videos.facts(video))

    def cancel(request: PageRequest) -> dict[str, Any]:
        video = videos.find(_id_of(request.path["video_id"]))
        proxies.cancel(video)
        return proxies.status(video, videos.facts(video))

    routes.json("/media/{video_id}/proxy", status)
    routes.post("/media/{video_id}/proxy", begin)
    routes.post("/media/{video_id}/proxy/cancel", cancel)


def _add_time_routes(routes: Routes, videos: ProjectVideos, times: KeptFrameTimes) -> None:
    def between(request: PageRequest) -> dict[str, Any]:
        video = videos.find(_id_of(request.path["video_id"]))
        start, end = (request.number(name, "a time in seconds") for name in ("from", "to"))
        open_original(videos.project, video).close()  # says what is wrong with its file
        assert video.path is not None, "its file is there"
        with without_paths(video.name, video.path):
            return times.between(video.path, start, end)

    routes.json("/media/{video_id}/times", between, work="times")


def _add_file_route(
    api: FastAPI,
    address: str,
    videos: ProjectVideos,
    open_it: Callable[[ProjectVideo], OpenFile],
    budget: Budget,
) -> None:
    async def answer(request: Request) -> FileRanges | Response:
        lease = budget.take("media")
        if lease is None:
            return JSONResponse({"error": TOO_MANY}, 503, headers={"Retry-After": "1"})
        try:
            text = request.path_params["video_id"]
            file = await anyio.to_thread.run_sync(lambda: open_it(videos.find(_id_of(text))))
        except (VidmemError, OSError) as error:
            lease.release()
            return JSONResponse({"error": sentences.sentence_for(error)}, 404)
        except BaseException:
            lease.release()
            raise
        return FileRanges(file, lease)

    async def endpoint(request: Request) -> Any:
        return await answer(request)

    api.router.routes.append(Route(address, endpoint, methods=["GET", "HEAD"]))


def _id_of(text: str) -> int:
    """The id in an address; of what is none, one that no video has."""
    is_id = text.isascii() and text.isdecimal() and len(text) <= MAX_ID_DIGITS
    return int(text) if is_id else -1
