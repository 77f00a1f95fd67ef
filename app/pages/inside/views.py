"""What is the same in every view into a model: the moment, places on the picture, numbers."""

from __future__ import annotations

import base64
import io
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from app.explain.inspector import MomentView
from app.pages.api import Download
from app.pages.inside.wording import follows
from vidmem.errors import SettingError
from vidmem.inspection import ArrayRecord, PictureBox
from vidmem.plain import to_json
from vidmem.video import decode_size

Box = tuple[float, float, float, float]
"""Top, bottom, left and right, as fractions of the picture as people see it."""


@dataclass(frozen=True)
class ModelCrop:
    """Where the picture that the model sees lies in the one that people see.

    It is a part of it where the model cuts, and reaches beyond it where the model adds bars.
    """

    top: float = 0.0
    left: float = 0.0
    height: float = 1.0
    width: float = 1.0

    @classmethod
    def of(cls, card: Any, width: int, height: int) -> ModelCrop:
        """Of a model's card, for a video of some width and height as displayed."""
        # As the picture is decoded for the model, then cut or put between bars in its middle.
        wide, tall = decode_size(
            width,
            height,
            frame_width=card.frame_width,
            frame_height=card.frame_height,
            resize=card.resize,
        )
        top, left = (tall - card.frame_height) // 2, (wide - card.frame_width) // 2
        return cls(top / tall, left / wide, card.frame_height / tall, card.frame_width / wide)

    @classmethod
    def of_video(cls, card: Any, info: Any) -> ModelCrop:
        """Of a model's card, for the size of a video; all of it where that is unknown.

        Raises:
            SettingError: If the model is shown a square that is elsewhere in every frame.
        """
        if card.follow is not None:
            raise SettingError(follows(card.title))
        return cls.of(card, info.width, info.height) if info else cls()

    def shown(self, top: float, bottom: float, left: float, right: float) -> Box:
        """From fractions of the model's picture; below 0 and above 1 where it was padded."""
        return (
            self.top + top * self.height,
            self.top + bottom * self.height,
            self.left + left * self.width,
            self.left + right * self.width,
        )

    def region(self, box: Box) -> PictureBox:
        """A region of the model's picture; parts outside of it count as its edge."""
        rows = [_between((edge - self.top) / self.height) for edge in box[:2]]
        columns = [_between((edge - self.left) / self.width) for edge in box[2:]]
        return PictureBox(top=rows[0], bottom=rows[1], left=columns[0], right=columns[1])


def read_box(text: str | None) -> Box | None:
    """`top,bottom,left,right` of a request; `None` where there is none.

    Raises:
        SettingError: If it is none.
    """
    if not text:
        return None
    try:
        top, bottom, left, right = (float(edge) for edge in text.split(","))
    except ValueError:
        top = math.nan
        bottom = left = right = 0.0
    if not (0 <= top <= bottom <= 1 and 0 <= left <= right <= 1):
        raise SettingError(f"region must be top,bottom,left,right from 0 to 1, got {text!r}")
    return top, bottom, left, right


def moment_section(view: MomentView) -> dict[str, Any]:
    """The window on view."""
    prediction = view.moment.prediction
    return {
        "index": view.index,
        "is_newest": view.is_newest,
        "start_seconds": prediction.start_seconds,
        "end_seconds": prediction.end_seconds,
        "label": prediction.label,
        "probability": round(prediction.probability, 4),
        "is_final": prediction.is_final,
        "is_unlike": prediction.is_unlike_training,
        "model": view.model.card.title,
        "num_remembered": prediction.num_remembered,
        "classes": list(prediction.class_names),
    }


def clip_seconds(view: MomentView) -> Tensor:
    """`[1, 2]`: source time of the clip."""
    window = view.moment.window
    return torch.tensor([[window.start_seconds, window.end_seconds]], dtype=torch.float64)


def numbers(values: np.ndarray, digits: int = 5) -> Any:
    """Nested lists of rounded numbers; NaN is `None`."""
    rounded = np.round(values.astype(np.float64), digits)
    plain = rounded.astype(object)
    plain[~np.isfinite(rounded)] = None
    return plain.tolist()


def number(value: float, digits: int = 4) -> float | None:
    """A rounded number; `None` for NaN."""
    return round(float(value), digits) if math.isfinite(value) else None


def small_codes(shares: np.ndarray) -> str:
    """Shares as base64 of bytes: 0 to 254 in parts of the largest share, 255 where NaN."""
    finite = np.nan_to_num(shares)
    top = finite.max(initial=0.0) or 1.0
    codes = np.where(np.isnan(shares), 255, np.round(254 * finite / top)).astype(np.uint8)
    return base64.b64encode(codes.tobytes()).decode("ascii")


def chosen(name: str, text: str | None, allowed: list[int], default: int | None) -> int | None:
    """A number of a query, or the default where it is not among the allowed.

    Raises:
        SettingError: If it is no number.
    """
    if not text:
        return default
    try:
        number = int(text)
    except ValueError:
        raise SettingError(f"{name} must be a whole number, got {text!r}") from None
    # No error: after a change of model, a page may still name a stage or head that is gone.
    return number if number in allowed else default


def as_download(name: str, kind: str, moment: dict[str, Any], view: ArrayRecord) -> Download:
    """A view as a file, `json` or `npz`.

    Raises:
        SettingError: If it is another kind.
    """
    if kind == "npz":
        file = io.BytesIO()
        arrays: dict[str, Any] = view.as_arrays()
        np.savez_compressed(file, **arrays)
        return Download(f"{name}.npz", "application/octet-stream", file.getvalue())
    if kind != "json":
        raise SettingError(f"kind must be json or npz, got {kind!r}")
    content = to_json({"moment": moment, "view": view.as_dict()})
    return Download(f"{name}.json", "application/json", content.encode())


def _between(value: float) -> float:
    return min(max(value, 0.0), 1.0)
