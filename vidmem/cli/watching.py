"""`vidmem watch`: a video through a model, up to its end or Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

import vidmem
from vidmem.cli.memory_report import FootprintReport
from vidmem.cli.outputs import check_paths, chosen_out
from vidmem.cli.region_options import check_parts, regions_of
from vidmem.cli.stopping import StopRequest, end_broken, stopping_after
from vidmem.cli.terminal import INCOMPLETE, new_console, tell
from vidmem.console import WatchReport, introduce, what_is_missing
from vidmem.errors import DecoderError, SettingError, StorageError, VidmemError
from vidmem.processors import fit_threads
from vidmem.units import clock, file_size

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
    reader: Annotated[str, typer.Option(help="auto (PyAV), pyav or decord.")] = "auto",
    out: Annotated[
        Path | None,
        typer.Option(
            help="Predictions, a row per clip, written as they come. Of several videos or regions: "
            "a folder of that name without its ending, with a file for each. Default: named after "
            "the video, pen.predictions.csv for pen.mp4; of several videos, predictions.",
            show_default=False,
        ),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(
            help="Where the stream is saved. Default: beside --out, with the ending .state.",
            show_default=False,
        ),
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
    from vidmem.cli.watching_many import (
        ManyWatchOptions,
        list_videos,
        stream_names,
        watch_many,
        watch_regions,
    )
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
    check_parts(parts, videos)
    _check_together(videos, whole=whole, is_several=is_several, state=state, seconds=for_seconds)
    out = chosen_out(out, videos, is_region=bool(parts), resume=resume)
    # A live run cannot be resumed: with --resume the state is named, so that the run refuses.
    if not is_several and not whole and (resume or not is_live(videos[0])):
        state = state or out.with_suffix(".state")
    options = ManyWatchOptions(
        out=out,
        start=start,
        reader=reader,
        resume=resume,
        for_seconds=for_seconds,
        memory_log=memory_log,
    )
    outputs = {"--out": out, "--state": state, "--memory-log": memory_log}
    if is_several:
        names = [part.name for part in parts] or stream_names(videos)
        outputs = options.outputs(names, videos * len(parts) or videos)
    check_paths(outputs, videos, model=model, regions=regions)
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
    if parts:
        watch_regions(console, videos[0], parts, loaded, settings, options)
        return
    if is_several:
        watch_many(console, list_videos(videos), loaded, settings, options)
        return
    files = RunFiles(out=out, state_path=state, resume=resume)
    with (
        FootprintReport(console, memory_log) if memory_log else nullcontext() as footprint,
        Engine(
            videos[0], loaded, settings, start_seconds=start, reader=reader, files=files
        ) as engine,
    ):
        introduce(console, engine, loaded.card)
        with stopping_after(for_seconds, engine.finish):
            _follow(engine, console, footprint.add_prediction if footprint else None)


def _check_together(
    videos: list[str], *, whole: bool, is_several: bool, state: Path | None, seconds: float | None
) -> None:
    """Refuse options that do not go together."""
    from vidmem.streaming import is_live

    if is_several and (whole or state):
        raise SettingError("--whole and --state are for one video: give one, without regions")
    if seconds is not None and not any(map(is_live, videos)):
        raise SettingError("--for is for live sources, and there is none: a file ends by itself")


def _watch_whole(video: str, model: Any, settings: StreamSettings, reader: str, out: Path) -> None:
    """One pass over a whole video, with its features kept for the next one."""
    from vidmem.models import FeatureStore
    from vidmem.streaming import watch_whole, write_predictions

    if not out.absolute().parent.is_dir():
        raise StorageError(f"{out} cannot be written: there is no folder {out.absolute().parent}")
    console, cache = new_console(), FeatureStore()
    report = WatchReport(console, duration_seconds=0.0)
    predictions = watch_whole(video, model, settings, reader=reader, cache=cache)
    report.count(*predictions)
    write_predictions(out, predictions)
    kept = f"features are kept in {cache.folder}, at most {file_size(cache.max_bytes)}"
    for line in [*report.summary(), f"predictions are in {out}", kept]:
        console.print(line, markup=False)
    end_seconds = predictions[-1].end_seconds
    if any(gap.end_seconds > end_seconds + 0.5 for gap in predictions[-1].gaps):
        tell(f"incomplete: the predictions end at {clock(end_seconds)}; the rest is damaged")
        raise typer.Exit(INCOMPLETE)


def _follow(
    engine: Engine,
    console: Console,
    add_prediction: Callable[[Prediction, Any], None] | None = None,
) -> None:
    """Take all predictions, or those up to Ctrl-C, and print a summary.

    Args:
        engine: Is closed at the end.
        console: Where progress and summary are printed.
        add_prediction: Called with each prediction and the model that made it.
    """
    on_prediction = add_prediction or (lambda prediction, model: None)
    report = WatchReport(
        console,
        duration_seconds=engine.info.duration_seconds,
        start_seconds=engine.position_seconds,
        live=engine.live_figures,
    )
    broken: VidmemError | None = None
    with StopRequest(console, engine.finish) as stop:
        try:
            with report:
                for prediction in engine:
                    report.update(prediction)
                    on_prediction(prediction, engine.model)
                    if stop.is_made:
                        break
        except KeyboardInterrupt:  # the second one
            stop.is_made = True
        except VidmemError as error:
            broken = error
        finally:
            report.count(*engine.take_left())
            out = engine.out
            engine.close()
            for line in [*report.summary(), f"predictions are in {out}"]:
                console.print(line, markup=False)
    _end(engine, report, stop, broken)


def _end(
    engine: Engine, report: WatchReport, stop: StopRequest, broken: VidmemError | None
) -> None:
    """Say how it ended and exit accordingly, unless it came to the end of the video."""
    can_resume = not engine.info.is_live
    # After a terminal's Ctrl-C, which has ended the decoder too, that is no trouble.
    if broken is not None and not (stop.is_made and isinstance(broken, DecoderError)):
        end_broken(broken, can_resume=can_resume)
    if stop.is_made:
        if can_resume:  # a live run ends with Ctrl-C, and well
            stop.leave()
    elif missing := what_is_missing(engine, report.end_seconds):
        tell(missing)
        raise typer.Exit(INCOMPLETE)
