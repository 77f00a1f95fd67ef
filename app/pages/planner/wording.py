"""Sentences and figures of the Planner page."""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.pages.planner.words import WORDS
from vidmem.planner import Plan, PlanRequest
from vidmem.units import flop_count, memory_size, span

NOT_KNOWN = "not known"
NOT_MEASURED = "How many in real time? Not measured yet"
ROOM_ALONE = (
    "Memory alone has room for {count}, which says nothing of speed. Measure what this machine "
    "computes and decodes (about 8 s each, under {section}), or enter it."
)
BUSY = "Another measurement is running on this machine. Try again when it is done."
NO_MEASUREMENT = "This measurement is over. Start it again."
NO_GPU = (
    "There is no GPU on this machine to measure. Enter what yours computes, or run `vidmem plan "
    "{model} --measure` on the machine that has it."
)
NO_FILE = "Decoding is measured on a video file. Choose one on the Watch page."
NO_ROOM = (
    "A step needs {need}, and a measurement may use {free} of this machine now. Measure with fewer "
    "streams per step, or smaller pictures."
)
MEASURING = "step {done} of {total}"
PREPARING = "building the model, with random weights"
DECODING = "decoding"
GAVE_UP = "It took longer than {span}, so it was stopped. Enter the rate yourself."
BROKE_OFF = "The measuring process ended by itself ({code}): perhaps it ran out of memory."


@dataclass(frozen=True)
class Fact:
    """A figure of a plan."""

    name: str
    value: str
    note: str
    limit: str = ""
    """What limits the number of streams that it counts: memory, compute or decoding."""


def headline(plan: Plan) -> tuple[str, str]:
    """The sentence of a plan: how many streams in a word or two, and the rest."""
    rates = (plan.streams_computed, plan.streams_decoded)
    if plan.streams_in_memory and rates == (None, None):
        count, section = f"{plan.streams_in_memory:,}", WORDS["plan_rates"]
        return NOT_MEASURED, ROOM_ALONE.format(count=count, section=section)
    parts = re.match(r"(.+?)[:;] (.+)", plan.sentence)
    if parts is None:
        return plan.sentence, ""
    short, rest = parts.groups()
    # What is not known may be what runs out first.
    short = f"At most {short}" if None in rates and plan.streams_in_memory else short
    return short, rest[0].upper() + rest[1:]


def facts(request: PlanRequest, plan: Plan) -> list[Fact]:
    """What is remembered, what it holds, and what fits."""
    cost, size = plan.estimate, request.size
    every = f"one every {span(plan.seconds_between_clips)}"
    peak = f"most in {cost.peak.name}: {memory_size(cost.activation_bytes)} of activations"
    return [
        Fact("remembered", _remembered(plan), f"{_clips(size.l_mem)}, {every}"),
        Fact("state, each stream", memory_size(plan.state_bytes), "grows with L_mem alone"),
        Fact(
            "weights, once",
            memory_size(cost.weight_bytes),
            f"and {memory_size(cost.table_bytes)} of tables",
        ),
        Fact(f"a step of {plan.batch_size}, once", memory_size(plan.step_bytes), peak),
        Fact(
            "computing, each clip",
            flop_count(cost.total_flops / plan.batch_size),
            f"{flop_count(plan.flops_per_stream_second)} per second of a stream",
        ),
        Fact(
            "streams that fit",
            f"{plan.streams_in_memory:,}",
            f"{request.free_share:.0%} left free",
            "memory",
        ),
        Fact(
            "computed in real time",
            _count(plan.streams_computed),
            _at(request.clips_per_second, "at {:.3g} clips per second"),
            "compute",
        ),
        Fact(
            "decoded in real time",
            _count(plan.streams_decoded),
            _at(request.decode_speed, "at {:.3g} times real time"),
            "decoding",
        ),
    ]


def fewer_together(request: PlanRequest, plan: Plan) -> str:
    """That a step is smaller than requested, where it is."""
    if plan.batch_size == request.size.batch_size:
        return ""
    return (
        f"A step of {request.size.batch_size} streams does not fit with as many states, so this "
        f"plan has steps of {plan.batch_size}."
    )


def uncounted(request: PlanRequest) -> str:
    """What is left out of the figures."""
    name = request.uncounted_encoder
    return f"Not counted: the encoder {name}, whose size is not known here." if name else ""


def _remembered(plan: Plan) -> str:
    return span(plan.seconds_remembered) if plan.seconds_remembered else "nothing"


def _clips(count: int) -> str:
    return f"{count} clip" + ("" if count == 1 else "s")


def _count(streams: int | None) -> str:
    return NOT_KNOWN if streams is None else f"{streams:,}"


def _at(rate: float | None, words: str) -> str:
    return "enter or measure the rate" if rate is None else words.format(rate)
