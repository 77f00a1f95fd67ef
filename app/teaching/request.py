"""What a person asked to be taught."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from vidmem.errors import SettingError
from vidmem.plain import from_plain
from vidmem.teaching import FeatureConfig, TeachConfig

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
    """Whose labels; `None`: those of the only one that there is."""

    has_baselines: bool = True

    def __post_init__(self) -> None:
        if self.encoder not in ENCODERS:
            raise SettingError(f"encoder must be {' or '.join(ENCODERS)}, got {self.encoder!r:.60}")
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

    def config(self) -> TeachConfig:
        """The recipe of `vidmem.teach`."""
        return TeachConfig(
            model=self.model,
            name=self.name,
            features=FeatureConfig(backbone=self.encoder),
            feature_fps=self.feature_fps,
            axes=self.axes,
            subject=self.subject,
            has_baselines=self.has_baselines,
        )
