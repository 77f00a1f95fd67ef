"""What a person asked to be taught."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from app.projects.taught_models import TaughtModel
from vidmem.errors import SettingError
from vidmem.models import FollowedCrop, Spool
from vidmem.plain import from_plain
from vidmem.teaching import (
    FeatureConfig,
    Regions,
    TeachConfig,
    WarmStart,
    checked_regions,
    regions_from_json,
)

ENCODERS = ("lite2", "lite0")
"""Those that come with the installation: nothing is fetched from a network."""

FEATURE_FPS = (2.0, 5.0, 10.0)
"""For slow behaviours such as lying, for most, and for quick ones such as a step."""


@dataclass(frozen=True, kw_only=True)
class TeachRequest:
    """A model to be taught on the labels of the project."""

    name: str
    model: str = "spool"
    """`spool` or `fam`."""

    encoder: str = ENCODERS[0]
    feature_fps: float = 5.0
    axes: tuple[str, ...] = ()
    """Empty: all of which there are labels."""

    subject: str | None = None
    """Whose labels; `None`: those of the only one that there is, or of all regions."""

    is_followed: bool = False
    """It sees a square that follows what moves, in place of the whole picture."""

    regions: Mapping[str, Any] = field(default_factory=dict)
    """Parts of the picture that are taught each by itself, as plain values by video; see
    `vidmem.teaching.regions_from_json`. Empty: the whole picture is."""

    corrects: str = ""
    """The model of the project that is corrected, as pages call it; all but the axes, whose labels
    and regions is as it was taught then. Empty: one is taught anew."""

    has_baselines: bool = True

    def __post_init__(self) -> None:
        if self.encoder not in ENCODERS:
            raise SettingError(f"encoder must be {' or '.join(ENCODERS)}, got {self.encoder!r:.60}")
        _ = self.by_video
        self.config()  # which checks the rest

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> Self:
        """What `as_dict` gave.

        Raises:
            ValueError: If it is none.
        """
        return from_plain(cls, dict(values), "request")

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    def named(self, name: str) -> Self:
        """The same under another name."""
        return replace(self, name=name)

    @property
    def by_video(self) -> Regions:
        """The regions of each video, for `vidmem.teach`; empty: the whole picture is taught.

        Raises:
            SettingError: If they are none.
        """
        return checked_regions(regions_from_json(self.regions, "regions")) if self.regions else {}

    def config(self, corrected: WarmStart | None = None) -> TeachConfig:
        """The recipe of `vidmem.teach`.

        Args:
            corrected: The model of `corrects`.
        """
        if corrected is not None:
            before = corrected.settings()
            whose = {"name": self.name, "axes": self.axes, "subject": self.subject}
            return TeachConfig(**{**before, **whose})
        return TeachConfig(
            model=self.model,
            name=self.name,
            features=FeatureConfig(backbone=self.encoder),
            feature_fps=self.feature_fps,
            follow=FollowedCrop().share if self.is_followed else None,
            axes=self.axes,
            subject=self.subject,
            has_baselines=self.has_baselines,
        )


def correction_of(model: TaughtModel, earlier: WarmStart, name: str) -> TeachRequest:
    """The request that corrects a model, on all labels as they are.

    Args:
        model: Of the project.
        earlier: What is taken over from it.
        name: Of the new one.
    """
    kind = "spool" if isinstance(earlier.model, Spool) else "fam"
    axes = tuple(axis.name for axis in earlier.axes)
    whose: dict[str, Any] = {}
    # Of a model that another program taught, nothing says whose labels these were.
    with contextlib.suppress(ValueError, SettingError):
        before = TeachRequest.read(model.about.get("request") or {})
        whose = {"subject": before.subject, "regions": before.regions}
    return TeachRequest(
        name=name, model=kind, axes=axes, corrects=model.name, has_baselines=False, **whose
    )
