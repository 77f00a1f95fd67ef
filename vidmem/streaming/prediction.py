"""A model's prediction for one window, and what it cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from vidmem.models.interface import CardAxis
from vidmem.video.sampling import Gap, Window


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """A window's class probabilities, with all that is shown beside them."""

    index: int
    """Number of the prediction in its run, from 0; restarts of the stream do not reset it."""

    window: Window
    """The place in the video."""

    start_seconds: float
    """Presentation time of the window's first frame, from the video's first frame."""

    end_seconds: float
    """Half open: where the frame after the window's last real one begins."""

    label: str
    """The most probable class; of a model of several axes, of the first one (`labels`)."""

    probability: float
    """Of `label`."""

    probabilities: tuple[float, ...]
    """One per class, in the order of `class_names`; those of each axis add up to 1."""

    class_names: tuple[str, ...]

    num_real_frames: int
    """Sampled frames that are not padding."""

    num_remembered: int
    """Clips the model could look back at when it judged this one; 0 for the first."""

    remembered: tuple[int, ...]
    """`index` of those clips, oldest first."""

    l_mem: int
    """Clips that can be remembered."""

    state_bytes: int
    """Held by the stream's memory: the same for every prediction."""

    model_seconds: float
    """From pixels to probabilities."""

    is_final: bool = True
    """Whether it stays as it is. A model that looks ahead judges a window anew while the frames
    after it come in; until then its prediction is provisional."""

    final_after_seconds: float = 0.0
    """Source time from `end_seconds` until it is final."""

    revised: tuple[Prediction, ...] = ()
    """Earlier windows, judged anew with what was seen since; those first that are final now."""

    wait_seconds: float = 0.0
    """Spent waiting for the decoder."""

    decode_seconds: float = 0.0
    """Processor time of the decoder since the prediction before; it runs while the model does, and
    on several cores can be more than the time that went by."""

    process_bytes: int = 0
    """Main memory of this process and the decoder's."""

    decoder_bytes: int = 0
    """The decoder's part of it; 0 where it is not known."""

    gaps: tuple[Gap, ...] = ()
    """Parts of the file that could not be decoded, met since the window before."""

    unlikeness: float | None = None
    """How unlike the footage that the model was trained on the clip looks: above 1 its label means
    nothing. `None`: how that footage looks is unknown."""

    model_name: str = ""
    """Of the model that judged it."""

    settings: str = ""
    """In use, as `StreamSettings.summary` has them."""

    restarted: str | None = None
    """Why the memory was emptied before this window; `None` where it was not."""

    axes: tuple[CardAxis, ...] = ()
    """Where the model has several: those of `class_names`, one after the other. Empty: all classes
    exclude each other."""

    @property
    def best_classes(self) -> tuple[int, ...]:
        """Index into `class_names` of the most probable class of each axis, in order."""
        return best_classes(self.probabilities, self.axes)

    @property
    def labels(self) -> tuple[str, ...]:
        """The most probable class of each axis, in order; `label` is the first."""
        return tuple(self.class_names[index] for index in self.best_classes)

    @property
    def is_unlike_training(self) -> bool:
        """Whether the clip looks unlike what the model was trained on."""
        return self.unlikeness is not None and self.unlikeness > 1

    @property
    def settled(self) -> tuple[Prediction, ...]:
        """The predictions that became final with this one, in the order of their windows."""
        return tuple(one for one in (*self.revised, self) if one.is_final)

    def judged_anew(
        self, probabilities: tuple[float, ...], *, is_final: bool | None = None
    ) -> Self:
        """The same window with other probabilities."""
        best = best_classes(probabilities, self.axes)[0]
        return replace(
            self,
            label=self.class_names[best],
            probability=probabilities[best],
            probabilities=probabilities,
            is_final=self.is_final if is_final is None else is_final,
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `as_dict`, also after JSON."""
        # JSON has no tuples.
        tuples = {name: tuple(v) for name, v in values.items() if isinstance(v, list | tuple)}
        tuples["axes"] = tuple(CardAxis(**axis) for axis in values.get("axes", ()))
        tuples["gaps"] = tuple(Gap(**gap) for gap in values["gaps"])
        tuples["revised"] = tuple(cls.from_dict(one) for one in values["revised"])
        return cls(**{**values, **tuples, "window": Window(**values["window"])})


def best_classes(probabilities: Sequence[float], axes: Sequence[CardAxis] = ()) -> tuple[int, ...]:
    """Index of the most probable class of each axis; without axes, of all classes."""
    sizes = [len(axis.class_names) for axis in axes] or [len(probabilities)]
    first, best = 0, []
    for size in sizes:
        best.append(max(range(first, first + size), key=probabilities.__getitem__))
        first += size
    return tuple(best)
