"""`vidmem watch`: a video through a model, up to its end or Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

import vidmem
from vidmem.cli.memory_report import MemoryReport
from vidmem.cli.region_options import check_parts, regions_of
from vidmem.cli.stopping import StopRequest, stopping_after
from vidmem.cli.terminal import new_console
from vidmem.console import WatchReport, introduce, size_text
from vidmem.errors import DecoderError, SettingError, StorageError
from vidmem.processors import fit_threads

if TYPE_CHECKING:
    from vidmem.streaming import Engine, Prediction, StreamSettings


def watch(
    videos: Annotated[
        list[str],
        typer.Argument(
            metavar="VIDEO...",
            help="The video file; or live, an address (rtsp://..., http://...) or a camera "
            "(/dev/video0). Several are watched at once, through one model.",
            show_default=False,
        ),
    ],
    model: Annotated[
        str, typer.Option(help="A bundled model, a preset or a folder; vidmem doctor lists them.")
    ] = "fam-swin-nano",
    whole: Annotated[
        bool,
        typer.Option(
            "--whole", help="Spool: one pass over the whole video; its features are kept on disk."
        ),
    ] = False,
    l_mem: Annotated[
        int | None, typer.Option(help="Clips remembered; 0: memory off. Default: the model's.")
    ] = None,
    window_frames: Annotated[
        int | None, typer.Option(help="Frames that Spool sees at once: another way to say l_mem.")
    ] = None,
    local_frame_range: Annotated[
        int | None, typer.Option(help="Frames that Spool's heads look back and ahead.")
    ] = None,
    fps: Annotated[
        float | None, typer.Option(help="Frames that the model gets per second of video.")
    ] = None,
    clip_frames: Annotated[int | None, typer.Option(help="Frames in a clip.")] = None,
    window_stride: Annotated[
        int | None, typer.Option(help="Frames from one clip's start to the next one's.")
    ] = None,
    start: Annotated[float, typer.Option(help="Seconds into the video to start at.")] = 0.0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")] = "auto",
    dtype: Annotated[str, typer.Option(help="auto, float32 or bfloat16.")] = "auto",
    compile: Annotated[
        bool,
        typer.Option("--compile", help="FAM Swin: compile its step first; worth it for hours."),
    ] = False,
    reader: Annotated[str, typer.Option(help="auto, decord or pyav.")] = "auto",
    out: Annotated[
        Path,
        typer.Option(
            help="Predictions, a row per clip, written as they come. Of several videos or regions: "
            "a folder of that name without its ending, with a file for each."
        ),
    ] = Path("predictions.csv"),
    state: Annotated[
        Path | None,
        typer.Option(help="Where the stream is saved. Default: beside --out.", show_default=False),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the saved stream.")] = False,
    memory_log: Annotated[
        Path | None,
        typer.Option(help="Memory over time, as JSON lines (.jsonl) or CSV.", show_default=False),
    ] = None,
    for_seconds: Annotated[
        float | None,
        typer.Option(
            "--for", min=0.1, help="Live: stop after so many seconds.", show_default=False
        ),
    ] = None,
    region: Annotated[
        list[str] | None,
        typer.Option(
            help="A part of the picture as a stream of its own: name=left,top,width,height, in "
            "fractions, such as pen1=0,0,0.5,0.5. Give as many as you like.",
            show_default=False,
        ),
    ] = None,
    tiles: Annotated[
        str | None,
        typer.Option(
            help="All tiles of a mosaic as regions: columns x rows, such as 2x2.",
            show_default=False,
        ),
    ] = None,
    regions: Annotated[
        Path | None,
        typer.Option(
            help="Regions from a JSON file: a list of objects with name, left, top, width and "
            "height.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Stream a video through a model, and write what it predicts."""
    from vidmem.streaming import Engine, RunFiles, StreamSettings, is_live

    console = new_console()
    given = {
        "fps": fps,
        "clip_frames": clip_frames,
        "window_stride": window_stride,
        "l_mem": l_mem,
        "window_frames": window_frames,
        "local_frame_range": local_frame_range,
    }
    given = {name: value for name, value in given.items() if value is not None}
    parts = regions_of(region, tiles, regions)
    is_several = len(videos) > 1 or bool(parts)
    if is_several and (whole or state):
        raise SettingError("--whole and --state are for one video: give one, without regions")
    check_parts(parts, videos)
    if for_seconds is not None and not any(map(is_live, videos)):
        raise SettingError("--for is for live sources, and there is none: a file ends by itself")
    loaded = vidmem.load(model, device=device, dtype=dtype, compile=compile)
    fit_threads(loaded)
    if whole:
        if resume or start or memory_log:
            raise SettingError(
                "--whole is one pass from the beginning: leave out --resume, --start, --memory-log"
            )
        _watch_whole(videos[0], loaded, StreamSettings.for_model(loaded, **given), reader, out)
        return
    # Without settings of its own, a resumed run goes on with those it was saved with.
    settings = None if resume and not given else StreamSettings.for_model(loaded, **given)
    if is_several:
        from vidmem.cli.watching_many import Several, list_videos, watch_many, watch_regions

        several = Several(
            out=out,
            start=start,
            reader=reader,
            resume=resume,
            for_seconds=for_seconds,
            memory_log=memory_log,
        )
        if parts:
            watch_regions(console, videos[0], parts, loaded, settings, several)
        else:
            watch_many(console, list_videos(videos), loaded, settings, several)
        return
    if resume or not is_live(videos[0]):  # a live run cannot be resumed: it says so
        state = state or out.with_suffix(".state")
    files = RunFiles(out=out, state_path=state, resume=resume)
    with (
        MemoryReport(console, memory_log) if memory_log else nullcontext() as memory,
        Engine(
            videos[0], loaded, settings, start_seconds=start, reader=reader, files=files
        ) as engine,
    ):
        introduce(console, engine, loaded.card)
        with stopping_after(for_seconds, engine.finish):
            _follow(engine, console, memory.took if memory else None)


def _watch_whole(video: str, model: Any, settings: StreamSettings, reader: str, out: Path) -> None:
    """One pass over a whole video, with its features kept for the next one."""
    from vidmem.models import FeatureCache
    from vidmem.streaming import watch_whole, write_predictions

    if not out.absolute().parent.is_dir():
        raise StorageError(f"{out} cannot be written: there is no folder {out.absolute().parent}")
    console, cache = new_console(), FeatureCache()
    report = WatchReport(console, duration_seconds=0.0)
    predictions = watch_whole(video, model, settings, reader=reader, cache=cache)
    report.count(*predictions)
    write_predictions(out, predictions)
    kept = f"features are kept in {cache.folder}, at most {size_text(cache.max_bytes)}"
    for line in [*report.summary(), f"predictions are in {out}", kept]:
        console.print(line, markup=False)


def _follow(
    engine: Engine, console: Console, took: Callable[[Prediction, Any], None] | None = None
) -> None:
    """Take all predictions, or those up to Ctrl-C, and say what was written.

    Args:
        engine: Is closed at the end.
        console: Where it is said.
        took: Also told of each prediction, with the model that made it.
    """
    tell = took or (lambda prediction, model: None)
    report = WatchReport(
        console,
        duration_seconds=engine.info.duration_seconds,
        start_seconds=engine.position_seconds,
        live=engine.live_figures,
    )
    with StopRequest(console, engine.finish) as stop:
        try:
            with report:
                for prediction in engine:
                    report.update(prediction)
                    tell(prediction, engine.model)
                    if stop.is_made:
                        break
        except KeyboardInterrupt:  # the second one
            stop.is_made = True
        except DecoderError:
            if not stop.is_made:  # else a terminal's Ctrl-C has ended the decoder too
                raise
        finally:
            report.count(*engine.take_left())
            engine.close()
            for line in [*report.summary(), f"predictions are in {engine.out}"]:
                console.print(line, markup=False)
    if stop.is_made and not engine.info.is_live:  # where Ctrl-C is the end there is
        stop.leave()
