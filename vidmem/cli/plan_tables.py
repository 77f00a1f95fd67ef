"""A plan and the tables of the pilot study, as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vidmem.planner.plan import Plan
from vidmem.planner.request import PlanRequest
from vidmem.planner.study import DEVICES_GB, StudyComparison
from vidmem.units import file_size, flop_count, memory_size, span


def plan_lines(model: str, request: PlanRequest, plan: Plan) -> Iterator[str]:
    """What is remembered, what it costs, what fits, and what binds first."""
    size, cost = request.size, plan.estimate
    dtype = str(size.dtype).removeprefix("torch.")
    yield (
        f"{model}, {size.frame_height} x {size.frame_width} pixels, {request.fps:g} frames per "
        f"second, clips of {size.clip_frames}, {dtype}, {size.device} with "
        f"{memory_size(request.device_bytes)} ({file_size(request.device_bytes)})"
    )
    yield ""
    yield from _table(
        [
            ("each clip spans", span(plan.seconds_per_clip)),
            ("one every", span(plan.seconds_between_clips)),
            ("remembered", f"{size.l_mem} clips: {span(plan.seconds_remembered)}"),
            ("", ""),
            ("weights, once", memory_size(cost.weight_bytes)),
            ("index tables and biases, once", memory_size(cost.table_bytes)),
            (f"a step of {plan.batch_size}, once", memory_size(plan.step_bytes)),
            (
                "  of it activations",
                f"{memory_size(cost.activation_bytes)}, most in {cost.peak.name}",
            ),
            ("state, each stream", memory_size(plan.state_bytes)),
            ("", ""),
            ("computing, each clip", flop_count(cost.total_flops / plan.batch_size)),
            ("  of it", _parts(plan)),
            ("computing, each stream", f"{flop_count(plan.flops_per_stream_second)} per second"),
            ("", ""),
            (
                "streams that fit",
                f"{plan.streams_in_memory:,} ({request.free_share:.0%} left free)",
            ),
            ("streams computed in time", _in_time(plan.streams_computed, request.clips_per_second)),
            ("streams decoded in time", _decoded(plan.streams_decoded, request.decode_speed)),
        ]
    )
    yield ""
    if request.uncounted_encoder:
        yield f"Not counted: the encoder {request.uncounted_encoder}, whose size is not known here."
    yield plan.sentence


def study_lines(compared: StudyComparison) -> Iterator[str]:
    """The study's tables: a stream with everything to itself, and streams that share weights."""
    names = [part.name for part in compared.rows[0].breakdown]
    yield "A stream that has everything to itself, MB, and such streams on a device:"
    yield ""
    yield _row(["l_mem", *names, "sum", *(f"{gb} GB" for gb in DEVICES_GB)])
    yield _row(["---"] * (len(names) + 2 + len(DEVICES_GB)))
    for row in compared.rows:
        parts = [f"{part.amount / 1e6:.1f}" for part in row.breakdown]
        copied = [f"{row.copied_streams[gb]:,}" for gb in DEVICES_GB]
        yield _row([str(row.l_mem), *parts, f"{row.copied_bytes / 1e6:.1f}", *copied])
    unknown = ["not at hand"]
    yield _row(["the study", *unknown * len(names), "2500 to 3500", *unknown, "32 to 40"])
    yield ""
    batch = compared.rows[0].shared[DEVICES_GB[0]].batch_size
    yield f"Streams that share one set of weights and take turns in batches of {batch}:"
    yield ""
    yield _row(["l_mem", "each stream, MB", *(f"{gb} GB" for gb in DEVICES_GB)])
    yield _row(["---"] * (2 + len(DEVICES_GB)))
    for row in compared.rows:
        shared = [f"{row.shared[gb].streams_in_memory:,}" for gb in DEVICES_GB]
        yield _row([str(row.l_mem), f"{row.state_bytes / 1e6:.1f}", *shared])
    for sentence in compared.sentences:
        yield ""
        yield sentence


def _parts(plan: Plan) -> str:
    """Where a step computes most, and what reading memory takes."""
    parts = sorted(plan.estimate.flops, key=lambda part: part.amount, reverse=True)
    shown = [part for part in parts if part.name == "memory read" or part in parts[:3]]
    whole = plan.estimate.total_flops
    return ", ".join(f"{part.name} {part.amount / whole:.0%}" for part in shown)


def _in_time(streams: int | None, rate: float | None) -> str:
    if streams is None:
        return "not known: --measure, or --clips-per-second"
    return f"{streams:,}, at {rate:.3g} clips per second"


def _decoded(streams: int | None, speed: float | None) -> str:
    if streams is None:
        return "not known: --video, or --decode-speed"
    return f"{streams:,}, at {speed:.3g} x real time"


def _table(rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        yield f"{name:{width}}  {value}".rstrip()


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
