"""Which videos are learnt from and scored, and how they are sampled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vidmem.data import DatasetSample, Manifest
from vidmem.errors import DatasetError, SettingError
from vidmem.models import ModelCard

_VALID, _TEST = ("val", "test"), ("test", "val")


@dataclass(frozen=True, kw_only=True)
class VideoSourceConfig:
    """A dataset, its splits, and how its videos are sampled."""

    path: str
    """What `vidmem data check` takes: a dataset's folder, or a file of its annotations."""

    layout: str | None = None
    """Name of its layout, such as `kinetics`; none: by what lies there."""

    videos: str | None = None
    """Folder of the videos, where they do not lie with the annotations."""

    fold: int = 1
    """Which split of a dataset with several."""

    train: str = "train"
    """Subset to learn from."""

    valid: str = ""
    """Subset that tells when to stop; empty: `val`, or `test` where there is none."""

    test: str = ""
    """Subset that is scored at the end; empty: `test` where it has labels, else `val`. Where it is
    the same as `valid`, the step was chosen on it, and its scores are too good by that."""

    opens_videos: bool = False
    """Open every video first, and leave out those that cannot be; else such a one ends the run."""

    fps: float = 4.0
    """Sampled frames per second."""

    clip_frames: int = 16
    """Sampled frames of a clip."""

    height: int = 224
    width: int = 224

    resize: Literal["crop", "squash"] = "crop"
    """`crop`: the shorter side fits. `squash`: both do, whatever the shape."""

    crop_share: float = 1.0
    """What a crop takes of the resized picture, along each side: 0.875 of 256 pixels are 224."""

    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    """Of red, green and blue, from 0 to 1: what pretrained weights were trained with."""

    std: tuple[float, ...] = (0.229, 0.224, 0.225)

    mirrors: Literal["none", "across", "both"] = "across"
    """How pictures are mirrored at random: not where left and right make a difference, and down,
    too, where the camera looks from above."""

    recolours: bool = True
    """Vary saturation, contrast and brightness, move by some pixels, soften now and then."""

    workers: int = 2
    """Videos decoded side by side."""

    def __post_init__(self) -> None:
        if not 0 < self.crop_share <= 1:
            raise SettingError(f"crop_share must be above 0 and up to 1, got {self.crop_share:g}")
        if not 1 <= self.workers <= 64:
            raise SettingError(f"workers must be from 1 to 64, got {self.workers}")
        try:
            self.card(("one",))  # checks sizes, rates and colours
        except ValueError as error:
            raise SettingError(str(error)) from error

    def card(self, class_names: tuple[str, ...]) -> ModelCard:
        """How a model of these videos wants a video sampled; its windows lie back to back."""
        return ModelCard(
            name="trained",
            title="Trained",
            class_names=class_names,
            fps=self.fps,
            clip_frames=self.clip_frames,
            window_stride=self.clip_frames,
            frame_height=self.height,
            frame_width=self.width,
            resize=self.resize,
            mean=self.mean,  # type: ignore[arg-type]
            std=self.std,  # type: ignore[arg-type]
            trained_on=f"Trained on {self.path}, {self.train}.",
        )


@dataclass(frozen=True)
class VideoSplits:
    """The samples of each split: each with one class."""

    train: Manifest
    valid: Manifest
    test: Manifest

    @classmethod
    def of(cls, config: VideoSourceConfig, *, needs_lengths: bool = False) -> VideoSplits:
        """Read the dataset.

        Args:
            config: Where it is.
            needs_lengths: Open the videos where the length of some is not known.

        Raises:
            DatasetError: If there is none, or a split has no samples or some of several classes.
            SettingError: If it has no such subset.
        """
        manifest = Manifest.read(
            config.path, config.layout, videos=config.videos, fold=config.fold
        ).where(lambda sample: bool(sample.classes))
        is_unknown = any(manifest.seconds_of(sample) is None for sample in manifest)
        if config.opens_videos or (needs_lengths and is_unknown):
            manifest = manifest.check_videos(workers=min(config.workers, 16))
        counts = manifest.subset_counts
        valid = config.valid or next((name for name in _VALID if name in counts), "val")
        test = config.test or next((name for name in _TEST if name in counts), "test")
        splits = cls(*(_subset(manifest, name) for name in (config.train, valid, test)))
        several = next((one for one in manifest if len(one.classes) > 1), None)
        if several is not None:
            raise DatasetError(
                f"samples must be of one class each to be learnt here, and {several.video} has "
                f"{len(several.classes)}"
            )
        return splits


def _subset(manifest: Manifest, name: str) -> Manifest:
    found = manifest.subset(name)
    if not len(found):
        raise DatasetError(f"{manifest.folder} has no labelled samples in its subset {name!r}")
    return found


def class_of(sample: DatasetSample) -> int:
    """The one class of a sample."""
    (index,) = sample.classes
    return index
