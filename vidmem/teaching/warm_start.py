"""A correction on top: what teaching takes over from a model that was taught before.

Its image encoder and the reduction of its features stay, so that nothing is encoded or fitted
anew; its network goes on learning from where it was; and what was kept to test with is kept from it
still.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from vidmem.errors import CheckpointError, LabelError, SettingError
from vidmem.models import (
    CardAxis,
    FamSwin,
    FeatureConfig,
    FeatureEncoder,
    FollowedCrop,
    ModelCard,
    Spool,
)
from vidmem.models.checkpoint import load_folder
from vidmem.models.features.encoder import ENCODER
from vidmem.teaching.learning import LearnConfig
from vidmem.teaching.report.report import JSON_FILE, TeachReport, read_report
from vidmem.teaching.splits import Split

CORRECTION = LearnConfig(steps=40, check_every=10, patience=2)
"""A network that has learnt already needs few steps to follow some labels more."""

Taught = tuple[Spool | FamSwin, TeachReport]
"""What `vidmem.teach` returns."""


@dataclass(frozen=True, kw_only=True, eq=False)
class WarmStart:
    """A model that was taught before, and which time it was not taught on."""

    model: Spool | FamSwin
    axes: tuple[CardAxis, ...]
    split: Split

    @classmethod
    def of(cls, source: str | Path | Taught | WarmStart) -> WarmStart:
        """From what `vidmem.teach` returned, or the folder that it was written to.

        Raises:
            CheckpointError: If the folder has no model that was taught on features, or no report of
                it that says what was kept to test with.
        """
        if isinstance(source, WarmStart):
            return source
        if not isinstance(source, str | Path):
            model, report = source
            return cls(model=model, axes=report.axes, split=report.split)
        folder = Path(source)
        found = read_report(folder)
        model = load_folder(folder)
        if not isinstance(model, Spool | FamSwin) or model.config.features is None:
            raise CheckpointError(
                f"{folder} is a model that was not taught from labels, so that there is nothing to "
                "correct; teach one without a warm start"
            )
        if found is None:
            raise CheckpointError(
                f"{folder} has no {JSON_FILE} that can be read, and nothing else says what the "
                "model was not taught on; write the report beside it (report.write), or teach anew"
            )
        try:
            axes = tuple(CardAxis(name, tuple(own)) for name, own in found["axes"].items())
            split = Split.from_dict(found["split"])
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise CheckpointError(
                f"{folder / JSON_FILE} does not say what was kept to test with ({error}); teach "
                "the model anew"
            ) from error
        if tuple(name for axis in axes for name in axis.class_names) != model.card.class_names:
            raise CheckpointError(
                f"{folder / JSON_FILE} is the report of another model, with other behaviours; "
                "teach the model anew"
            )
        return cls(model=model, axes=axes, split=split)

    @property
    def features(self) -> FeatureConfig:
        """What the model sees of a frame."""
        assert self.model.config.features is not None, "it was taught on features"
        return self.model.config.features

    @property
    def card(self) -> ModelCard:
        """The model's."""
        return self.model.card

    def encoder(self) -> FeatureEncoder:
        """The model's, with its reduction, for another model."""
        if self.model.encoder is None:
            raise CheckpointError(
                f"{self.card.name} has no image encoder; load the model with its encoder"
            )
        return copy.deepcopy(self.model.encoder)

    def settings(self) -> dict[str, Any]:
        """Those of `TeachConfig` by which the model was taught, as far as it shows them."""
        features, card, config = self.features, self.card, self.model.config
        feature_fps = card.fps / features.encode_every
        clip_seconds = card.clip_frames / card.fps
        settings = {
            "name": card.name,
            "features": features,
            "follow": None if card.follow is None else card.follow.share,
            "hide_clock": card.hides_clock,
            "feature_fps": feature_fps,
            "clip_seconds": clip_seconds,
            "learn": CORRECTION,
            "has_baselines": False,
            "has_curve": False,
        }
        if isinstance(self.model, Spool):
            return settings | {
                "model": "spool",
                "reach_seconds": self.model.config.local_frame_range / feature_fps,
                "context_seconds": self.model.config.window_frames / feature_fps,
            }
        memory_seconds = config.traits(card.clip_frames).l_mem * clip_seconds
        return settings | {"model": "fam", "memory_seconds": memory_seconds}

    def check_features(
        self, features: FeatureConfig, follow: FollowedCrop | None, fps: float, clip_frames: int
    ) -> None:
        """See that what is asked for is what the model was taught with.

        Args:
            features: The hash of its image encoder may be left out.
            follow: What of the pictures is taken.
            fps: Sampled frames per second.
            clip_frames: Sampled frames of a clip.

        Raises:
            SettingError: If not, with what differs.
        """
        own = self.features
        asked = {
            "feature frames per second": (
                fps / features.encode_every,
                self.card.fps / own.encode_every,
            ),
            "sampled frames of a clip": (clip_frames, self.card.clip_frames),
            "a followed square": (follow, self.card.follow),
        }
        for name, there in vars(own).items():
            wanted = getattr(features, name)
            if name != "backbone_sha256" or wanted:
                asked[name] = (wanted, there)
        for what, (wanted, there) in asked.items():
            if wanted != there:
                raise SettingError(
                    f"a warm start keeps what the earlier model sees: {what} {there} there, "
                    f"{wanted} asked for; leave that setting out, or teach anew"
                )

    def check_axes(self, axes: Sequence[CardAxis]) -> None:
        """See that labels tell the same apart as the model does.

        Args:
            axes: What the labels could teach.

        Raises:
            LabelError: If not, with what is new or gone.
        """
        own = {axis.name: set(axis.class_names) for axis in self.axes}
        now = {axis.name: set(axis.class_names) for axis in axes}
        for what, added, gone in (
            ("axis", now.keys() - own.keys(), own.keys() - now.keys()),
            *(
                ("behaviour", now[name] - own[name], own[name] - now[name])
                for name in own
                if name in now
            ),
        ):
            if added:
                raise LabelError(
                    f"the labels have the {what} {min(added)}, which the earlier model was not "
                    "taught; teach anew, or leave it out"
                    + (" by naming the axes to teach" if what == "axis" else "")
                )
            if gone:
                raise LabelError(
                    f"the labels say nothing of the {what} {min(gone)}, which the earlier model "
                    "was taught; teach anew, or give its labels, too"
                )

    def check_network(self, network: Spool | FamSwin) -> None:
        """See that a network has the shape of the earlier one.

        Raises:
            SettingError: If not, with what differs.
        """
        wanted, own = network.config, self.model.config
        if type(wanted) is not type(own):
            raise SettingError(
                f"a warm start goes on with the earlier network, which is a {_title(self.model)}, "
                f"and a {_title(network)} was asked for; leave that out, or teach anew"
            )
        differing = [
            f"{name} {there} there, {getattr(wanted, name)} asked for"
            for name, there in vars(own).items()
            if getattr(wanted, name) != there
        ]
        if differing:
            raise SettingError(
                "a warm start keeps the shape of the earlier network: "
                f"{'; '.join(differing)[:300]}; leave these settings out, or teach anew"
            )

    def put_weights(self, network: Spool | FamSwin) -> None:
        """Let a network of the same shape be what the earlier one is, its linear head included."""
        network.load_state_dict(self._weights(), strict=False)  # the encoder is its own

    def _weights(self) -> dict[str, Tensor]:
        weights = self.model.state_dict()
        return {name: one for name, one in weights.items() if not name.startswith(ENCODER)}


def _title(model: Spool | FamSwin) -> str:
    return "Spool" if isinstance(model, Spool) else "FAM Swin"
