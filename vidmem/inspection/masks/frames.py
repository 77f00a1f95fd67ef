"""The masks over frames: lookback, lookahead, context frames, and all of them as Spool has them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, get_args

from vidmem.errors import SettingError
from vidmem.inspection.masks.spec import AlikeTokens, Axis, Reason, plural
from vidmem.nn.frames import FrameLayout
from vidmem.nn.masks import (
    MaskMod,
    any_mask_mod,
    frame_mask_mod,
    heads_mask_mod,
    lookahead_mask_mod,
    lookback_mask_mod,
    query_mask_mod,
)

Direction = Literal["lookback", "lookahead"]
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
CONTEXT = "context frame"


def _default_layout() -> FrameLayout:
    return FrameLayout(
        num_frames=12, tokens_per_frame=4, local_frame_range=2, num_lookback_heads=2, num_heads=4
    )


@dataclass(frozen=True, kw_only=True)
class BandMaskSpec:
    """Lookback or lookahead alone: real frames, numbered from 0."""

    direction: Direction = "lookback"
    """To which side a frame looks."""

    num_frames: int = 12
    """Frames."""

    tokens_per_frame: int = 4
    """Tokens of a frame."""

    local_frame_range: int = 2
    """Frames seen to the side, besides the query's own."""

    def __post_init__(self) -> None:
        if self.direction not in DIRECTIONS:
            raise SettingError(f"direction must be lookback or lookahead, got {self.direction!r}")
        FrameLayout(  # made for its checks alone
            num_frames=self.num_frames,
            tokens_per_frame=self.tokens_per_frame,
            local_frame_range=self.local_frame_range,
            num_lookback_heads=1,
            num_heads=1,
            has_context_frames=False,
        )

    @property
    def title(self) -> str:
        """See `MaskSpec`."""
        return (
            f"{self.direction.capitalize()}, {plural(self.num_frames, 'frame')} of "
            f"{plural(self.tokens_per_frame, 'token')}, range {self.local_frame_range}"
        )

    num_heads: int = field(default=1, init=False)
    """All heads are alike."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """See `MaskSpec`."""
        return (self.direction,)

    @cached_property
    def queries(self) -> Axis:
        """See `MaskSpec`."""
        return Axis.of_equal("frame", [*map(str, range(self.num_frames))], self.tokens_per_frame)

    @property
    def keys(self) -> Axis:
        """See `MaskSpec`."""
        return self.queries

    @property
    def alike(self) -> AlikeTokens:
        """See `MaskSpec`."""
        return AlikeTokens.of_stretches(self.queries, self.keys)

    def head_name(self, head: int) -> str:
        """See `MaskSpec`."""
        return ""

    def mask_mod(self) -> MaskMod:
        """See `MaskSpec`."""
        make = lookback_mask_mod if self.direction == "lookback" else lookahead_mask_mod
        return make(self.local_frame_range, self.tokens_per_frame)

    def explain(self, head: int, query: int, key: int) -> Reason:
        """See `MaskSpec`."""
        query_frame, key_frame = query // self.tokens_per_frame, key // self.tokens_per_frame
        pair = f"frame {query_frame} to frame {key_frame}"
        return _of_band(pair, query_frame - key_frame, self.direction, self.local_frame_range)


@dataclass(frozen=True, kw_only=True)
class _LayoutMask:
    """What the masks over a layout share."""

    layout: FrameLayout = field(default_factory=_default_layout)
    """The frames and which of them each head sees; `SpoolConfig.layout` makes a model's."""

    @property
    def num_heads(self) -> int:
        """See `MaskSpec`."""
        return self.layout.num_heads

    @cached_property
    def queries(self) -> Axis:
        """See `MaskSpec`."""
        return _frame_axis(self.layout)

    @property
    def keys(self) -> Axis:
        """See `MaskSpec`."""
        return self.queries

    @property
    def alike(self) -> AlikeTokens:
        """See `MaskSpec`."""
        return AlikeTokens.of_stretches(self.queries, self.keys)

    def head_name(self, head: int) -> str:
        """See `MaskSpec`."""
        return f"head {head}, {_direction(self.layout, head)}"


@dataclass(frozen=True, kw_only=True)
class SpoolMaskSpec(_LayoutMask):
    """Spool's attention: lookback heads, lookahead heads and context frames together."""

    @property
    def title(self) -> str:
        """See `MaskSpec`."""
        return _title("Spool", self.layout)

    @property
    def kinds(self) -> tuple[str, ...]:
        """See `MaskSpec`."""
        return (*DIRECTIONS, CONTEXT) if self.layout.has_context_frames else DIRECTIONS

    def mask_mod(self) -> MaskMod:
        """See `MaskSpec`."""
        return self.layout.mask_mod()

    def explain(self, head: int, query: int, key: int) -> Reason:
        """See `MaskSpec`."""
        layout, tokens = self.layout, self.layout.tokens_per_frame
        query_frame, key_frame = query // tokens, key // tokens
        direction, reach = _direction(layout, head), layout.local_frame_range
        if _is_context(layout, query_frame) or _is_context(layout, key_frame):
            return _with_context(layout, direction, query_frame, key_frame)
        pair = _pair(layout, query_frame, key_frame)
        return _of_band(pair, query_frame - key_frame, direction, reach)


@dataclass(frozen=True, kw_only=True)
class ContextMaskSpec(_LayoutMask):
    """What context frames add to Spool's attention: pairs with one of them at either side."""

    kinds: tuple[str, ...] = field(default=(CONTEXT,), init=False)
    """The one rule there is."""

    def __post_init__(self) -> None:
        if not self.layout.has_context_frames:
            raise SettingError(
                "the context frames' mask needs a layout with has_context_frames=True"
            )

    @property
    def title(self) -> str:
        """See `MaskSpec`."""
        return _title("Context frames", self.layout)

    def mask_mod(self) -> MaskMod:
        """See `MaskSpec`."""
        layout, tokens = self.layout, self.layout.tokens_per_frame
        last = layout.sequence_frames - 1
        start, end = frame_mask_mod(0, 1, tokens), frame_mask_mod(last, last + 1, tokens)
        # Real frames see the context frame of their head's side, from anywhere in the clip.
        of_real = heads_mask_mod(layout.num_lookback_heads, start, end)
        mask_mod = query_mask_mod(any_mask_mod(start, end), layout.mask_mod(), of_real)
        mask_mod.__name__ = "context_frames"
        return mask_mod

    def explain(self, head: int, query: int, key: int) -> Reason:
        """See `MaskSpec`."""
        layout, tokens = self.layout, self.layout.tokens_per_frame
        query_frame, key_frame = query // tokens, key // tokens
        if _is_context(layout, query_frame) or _is_context(layout, key_frame):
            return _with_context(layout, _direction(layout, head), query_frame, key_frame)
        pair = _pair(layout, query_frame, key_frame)
        return Reason(False, f"{pair}, neither is a context frame")


def _title(name: str, layout: FrameLayout) -> str:
    scope = f", {layout.context_scope} scope" if layout.has_context_frames else ", no context"
    return (
        f"{name}, {plural(layout.num_frames, 'frame')} of "
        f"{plural(layout.tokens_per_frame, 'token')}, range {layout.local_frame_range}{scope}"
    )


def _frame_axis(layout: FrameLayout) -> Axis:
    numbers = range(layout.sequence_frames)
    is_context = [_is_context(layout, number) for number in numbers]
    names = ["start", *map(str, numbers[1:-1]), "end"] if any(is_context) else [*map(str, numbers)]
    return Axis(
        title="frame",
        num_tokens=layout.length,
        starts=tuple(range(0, layout.length, layout.tokens_per_frame)),
        names=tuple(names),
        phrases=tuple(_frame(layout, number) for number in numbers),
    )


def _direction(layout: FrameLayout, head: int) -> Direction:
    return "lookback" if head < layout.num_lookback_heads else "lookahead"


def _is_context(layout: FrameLayout, frame: int) -> bool:
    return layout.has_context_frames and frame in (0, layout.sequence_frames - 1)


def _frame(layout: FrameLayout, frame: int) -> str:
    if not _is_context(layout, frame):
        return f"frame {frame}"
    return f"{'end' if frame else 'start'} context frame"


def _pair(layout: FrameLayout, query_frame: int, key_frame: int) -> str:
    return f"{_frame(layout, query_frame)} to {_frame(layout, key_frame)}"


def _of_band(pair: str, frames_back: int, direction: Direction, reach: int) -> Reason:
    """The rule of real frames, for a key so many frames before its query."""
    if frames_back == 0:
        return Reason(True, f"{pair}, {direction}, its own frame", direction)
    is_lookback = direction == "lookback"
    distance = frames_back if is_lookback else -frames_back
    side = "back" if is_lookback else "ahead"
    if distance < 0:
        other = "later" if is_lookback else "earlier"
        return Reason(False, f"{pair}, {direction}, {other} by {-distance}")
    if distance > reach:
        return Reason(False, f"{pair}, {direction}, {distance} {side}, beyond {reach}")
    return Reason(True, f"{pair}, {direction}, {distance} {side} of {reach}", direction)


def _with_context(
    layout: FrameLayout, direction: Direction, query_frame: int, key_frame: int
) -> Reason:
    """The rules of pairs with a context frame at either side."""
    pair = _pair(layout, query_frame, key_frame)
    if not _is_context(layout, query_frame):
        side = "end" if key_frame else "start"  # the start context frame is frame 0
        if side == ("start" if direction == "lookback" else "end"):
            return Reason(True, f"{pair}, {direction} heads see it from everywhere", CONTEXT)
        return Reason(False, f"{pair}, {direction} heads do not see it")
    if query_frame == key_frame:
        return Reason(True, f"{pair}, its own frame", CONTEXT)
    if _is_context(layout, key_frame):
        return Reason(True, f"{pair}, context frames see each other", CONTEXT)
    if layout.context_scope == "global":
        return Reason(True, f"{pair}, global scope, it sees every frame", CONTEXT)
    distance, reach = abs(query_frame - key_frame), layout.local_frame_range
    end = "end" if query_frame else "start"
    if distance > reach:
        return Reason(False, f"{pair}, local scope, {distance} from the {end}, beyond {reach}")
    return Reason(True, f"{pair}, local scope, {distance} from the {end} of {reach}", CONTEXT)
