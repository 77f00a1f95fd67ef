"""The mask of Video Swin's shifted windows."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import Literal, get_args

import torch

from vidmem.errors import SettingError
from vidmem.inspection.masks.spec import TIMES, AlikeTokens, Axis, Reason, check_at_least
from vidmem.nn.attention_windows import AttentionWindowPlan, Size3, fit_window, window_plan
from vidmem.nn.masks import (
    MaskMod,
    box_of_place,
    box_of_token,
    group_mask_mod,
    shifted_window_mask_mod,
)

TokenOrder = Literal["grid", "windows"]
TOKEN_ORDERS: tuple[TokenOrder, ...] = get_args(TokenOrder)


@dataclass(frozen=True, kw_only=True)
class WindowMaskSpec:
    """Attention inside the shifted windows of a grid of tokens."""

    size: Size3 = (2, 4, 8)
    """Tokens in time, height and width. A step in time is as many frames as a tubelet."""

    attention_window: Size3 = (2, 4, 4)
    """Tokens per axis; shrunk where the grid is smaller."""

    shift: Size3 = (0, 2, 2)
    """Tokens by which the windows are shifted; an axis that fits in one window is not shifted."""

    order: TokenOrder = "grid"
    """`grid`: tokens as they lie in the clip, step by step and row by row; `windows`: as attention
    computes them, window by window, with what the grid is padded by."""

    def __post_init__(self) -> None:
        for name in ("size", "attention_window", "shift"):
            value = getattr(self, name)
            if len(value) != 3:
                raise SettingError(f"{name} must be 3 numbers (time, height, width), got {value}")
            check_at_least(0 if name == "shift" else 1, **{f"each of {name}": min(value)})
        for shift, window in zip(self.shift, self.attention_window, strict=True):
            if shift >= window:
                raise SettingError(
                    f"shift must be below attention_window on each axis, got {self.shift} and "
                    f"{self.attention_window}"
                )
        if self.order not in TOKEN_ORDERS:
            raise SettingError(f"order must be grid or windows, got {self.order!r}")

    num_heads: int = field(default=1, init=False)
    """All heads are alike."""

    kinds: tuple[str, ...] = field(default=("same window",), init=False)
    """The one rule there is."""

    @property
    def title(self) -> str:
        """See `MaskSpec`."""
        window, shift = fit_window(self.size, self.attention_window, self.shift)
        shifted = f"shifted by {_times(shift)}" if any(shift) else "not shifted"
        return f"Windows of {_times(window)} on {_times(self.size)} tokens, {shifted}"

    @cached_property
    def queries(self) -> Axis:
        """See `MaskSpec`."""
        if self.order == "windows":
            return self._window_axis()
        steps, rows, columns = self.size
        axis = Axis.of_equal("time step", [*map(str, range(steps))], rows * columns)
        return Axis(axis.title, axis.num_tokens, axis.starts, axis.names, axis.phrases, columns)

    @property
    def keys(self) -> Axis:
        """See `MaskSpec`."""
        return self.queries

    @property
    def alike(self) -> AlikeTokens:
        """See `MaskSpec`."""
        windows = torch.tensor(self._windows)
        return AlikeTokens(windows, windows)

    def head_name(self, head: int) -> str:
        """See `MaskSpec`."""
        return ""

    def mask_mod(self) -> MaskMod:
        """See `MaskSpec`."""
        if self.order == "windows":
            return group_mask_mod(box_of_place(self._plan))
        return shifted_window_mask_mod(self.size, self.attention_window, self.shift)

    def explain(self, head: int, query: int, key: int) -> Reason:
        """See `MaskSpec`."""
        window, other = self._windows[query], self._windows[key]
        pair = f"{self._token(query)} to {self._token(key)}"
        if window == other:
            return Reason(True, f"{pair}, same window, {window}", self.kinds[0])
        return Reason(False, f"{pair}, window {window} to window {other}, other window")

    @cached_property
    def _plan(self) -> AttentionWindowPlan:
        fitted = fit_window(self.size, self.attention_window, self.shift)
        return window_plan(self.size, *fitted, torch.device("cpu"))

    @cached_property
    def _windows(self) -> list[int]:
        """The window of each token."""
        of = box_of_place if self.order == "windows" else box_of_token
        return of(self._plan).tolist()

    @cached_property
    def _grid_tokens(self) -> list[int]:
        """Where each token lies in the grid; beyond its end where it is padding."""
        if self.order == "windows":
            return self._plan.order.tolist()
        return list(range(self._plan.num_tokens))

    def _window_axis(self) -> Axis:
        # In this order windows lie one after the other, so their sizes give their starts.
        counts = torch.tensor(self._windows).bincount().tolist()
        numbers = [str(number) for number in range(len(counts))]
        return Axis(
            title="window",
            num_tokens=len(self._windows),
            starts=tuple(accumulate(counts[:-1], initial=0)),
            names=tuple(numbers),
            phrases=tuple(f"window {number}" for number in numbers),
        )

    @cached_property
    def _token_words(self) -> dict[int, str]:
        """Of tokens that were asked for: each is in as many pairs as are drawn in its row."""
        return {}

    def _token(self, token: int) -> str:
        """Where a token lies in time, height and width."""
        if token not in self._token_words:
            self._token_words[token] = self._place(token)
        return self._token_words[token]

    def _place(self, token: int) -> str:
        at = self._grid_tokens[token]
        if at >= self._plan.num_tokens:
            return "padding"
        _, rows, columns = self.size
        return f"step {at // (rows * columns)} row {at // columns % rows} column {at % columns}"


def _times(size: Size3) -> str:
    return TIMES.join(map(str, size))
