"""`vidmem plan`: what a model costs on a machine, before it runs."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vidmem.cli.terminal import new_console
from vidmem.errors import SettingError
from vidmem.plain import to_json

if TYPE_CHECKING:
    import torch

    from vidmem.planner.plan import Plan
    from vidmem.planner.request import PlanRequest
    from vidmem.planner.sizing import DeviceKind
    from vidmem.planner.study import StudyComparison

DECODE_SECONDS = 4.0
"""How long `--video` decodes."""


def plan(
    model: Annotated[
        str, typer.Argument(help="A bundled model, a preset or a folder.")
    ] = "fam-swin-nano",
    frame_size: Annotated[
        str | None, typer.Option(help="Pixels, height x width, such as 224x224. Default: its own.")
    ] = None,
    fps: Annotated[
        float | None, typer.Option(help="Frames that the model gets per second of video.")
    ] = None,
    l_mem: Annotated[int | None, typer.Option(help="Clips remembered; 0: memory off.")] = None,
    clip_frames: Annotated[int | None, typer.Option(help="Frames in a clip.")] = None,
    window_stride: Annotated[
        int | None, typer.Option(help="Frames from one clip's start to the next one's.")
    ] = None,
    batch: Annotated[int, typer.Option(min=1, help="Streams that take a step together.")] = 8,
    dtype: Annotated[
        str, typer.Option(help="auto (the fastest one there), float32 or bfloat16.")
    ] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda: whose memory is planned.")] = (
        "auto"
    ),
    memory_gb: Annotated[
        float | None,
        typer.Option(help="Memory of the device, GB of 10^9 bytes. Default: this machine's."),
    ] = None,
    free_share: Annotated[
        float, typer.Option(help="Of that memory, left to the driver and others.")
    ] = 0.1,
    clips_per_second: Annotated[
        float | None, typer.Option(help="What the device computes, all streams together.")
    ] = None,
    measure: Annotated[
        bool, typer.Option("--measure", help="Measure that on this machine, with random weights.")
    ] = False,
    decode_speed: Annotated[
        float | None, typer.Option(help="Seconds of video decoded per second, all together.")
    ] = None,
    video: Annotated[
        Path | None, typer.Option(help="Measure that with a video like yours, one decoder.")
    ] = None,
    study: Annotated[
        bool, typer.Option("--study", help="The pilot study's tables, recomputed for this model.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Numbers for a program.")] = False,
) -> None:
    """Say what a model remembers and costs, how many streams fit, and what runs out first."""
    from vidmem.models.presets import describe
    from vidmem.planner.plan import plan as make_plan
    from vidmem.planner.request import memory_of_this_machine, request_for
    from vidmem.planner.study import compare_with_study

    if measure and clips_per_second is not None:
        raise SettingError("--measure finds the rate that --clips-per-second gives: leave out one")
    if video is not None and decode_speed is not None:
        raise SettingError("--video finds the speed that --decode-speed gives: leave out one")
    config, card = describe(model)
    kind = _device_kind(device)
    height, width = _frame_size(frame_size)
    request = request_for(
        config,
        card,
        device=kind,
        device_bytes=memory_of_this_machine(kind) if memory_gb is None else int(memory_gb * 1e9),
        frame_height=height,
        frame_width=width,
        fps=fps,
        l_mem=l_mem,
        clip_frames=clip_frames,
        window_stride=window_stride,
        batch_size=batch,
        dtype=_dtype(dtype),
        free_share=free_share,
        clips_per_second=clips_per_second,
        decode_speed=decode_speed,
    )
    if measure:
        request = replace(request, clips_per_second=_measured_rate(request))
    if video is not None:
        request = replace(request, decode_speed=_measured_decode_speed(request, video))
    result, compared = make_plan(request), compare_with_study(request) if study else None
    _show(model, request, result, compared, as_json=as_json)


def _show(
    model: str,
    request: PlanRequest,
    result: Plan,
    compared: StudyComparison | None,
    *,
    as_json: bool,
) -> None:
    from vidmem.cli.plan_tables import plan_lines, study_lines
    from vidmem.planner.numbers import plan_numbers, study_numbers

    if as_json:
        numbers = {"model": model, **plan_numbers(request, result)}
        if compared is not None:
            numbers["study"] = study_numbers(compared)
        print(to_json(numbers, indent=2))
        return
    lines = [*plan_lines(model, request, result)]
    if compared is not None:
        lines += ["", *study_lines(compared)]
    console = new_console()
    for line in lines:
        console.print(line, markup=False)


def _device_kind(name: str) -> DeviceKind:
    if name == "auto":
        from vidmem.models.device import resolve_device

        name = resolve_device(name).type
    if name not in ("cpu", "cuda"):
        raise SettingError(f"plan knows the devices auto, cpu and cuda, got {name!r}")
    return "cpu" if name == "cpu" else "cuda"


def _dtype(name: str) -> torch.dtype | None:
    import torch

    dtypes = {"auto": None, "float32": torch.float32, "bfloat16": torch.bfloat16}
    if name not in dtypes:
        raise SettingError(f"dtype must be auto, float32 or bfloat16, got {name!r}")
    return dtypes[name]


def _frame_size(text: str | None) -> tuple[int | None, int | None]:
    if text is None:
        return None, None
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    if match is None:
        raise SettingError(f"frame-size must be height x width such as 224x224, got {text!r}")
    return int(match[1]), int(match[2])


def _measured_rate(request: PlanRequest) -> float:
    import torch

    from vidmem.planner.rate import measure_clips_per_second

    device = torch.device(request.size.device)
    return measure_clips_per_second(request.config, request.size, device, request.backbone)


def _measured_decode_speed(request: PlanRequest, video: Path) -> float:
    from vidmem.video import measure_decode_speed

    size = request.size
    return measure_decode_speed(
        video,
        fps=request.fps,
        width=size.frame_width,
        height=size.frame_height,
        num_seconds=DECODE_SECONDS,
    )
