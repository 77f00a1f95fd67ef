"""The kinds of models that vidmem can name, save and load: a record for each.

A network of another kind streams with no record at all: `StreamModel` says what it has to have. To
save and load it, add its record here; to plan it, one to `vidmem.planner.architectures`; to look
into it, one to `vidmem.inspection.architectures`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from vidmem.errors import SettingError
from vidmem.models.fam_swin.checkpoint import (
    fam_swin_contents,
    fam_swin_weights,
    load_fam_swin,
)
from vidmem.models.fam_swin.config import FamSwinConfig
from vidmem.models.fam_swin.model import FamSwin
from vidmem.models.interface import ModelCard, ModelConfig, Network
from vidmem.models.spool.checkpoint import (
    load_spool,
    spool_contents,
    spool_weights,
)
from vidmem.models.spool.config import SpoolConfig


def all_contents(model: Network) -> tuple[ModelConfig, dict[str, Tensor]]:
    """The config and all weights of a network, for its folder."""
    return model.config, model.state_dict()


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """A kind of model: how it is named, saved and loaded."""

    name: str
    """The name in `config.json`: it must never change, or saved models would not load."""

    title: str
    """The name that people read."""

    load: Callable[[Any, ModelCard, dict[str, Tensor]], Network]
    """The network from its config, card and weights: on the CPU, in eval mode."""

    outline: Callable[[Any, ModelCard, Mapping[str, Tensor]], Mapping[str, Tensor]]
    """The weights that such a network's folder has, without values: nothing is allocated for them.
    Given the config, the card, and the weights of the file, also without values."""

    contents: Callable[[Any], tuple[ModelConfig, dict[str, Tensor]]] = all_contents
    """The config and the weights of a network that its folder gets."""

    use_compiled: Callable[[Any, bool], None] | None = None
    """Compile a network's step as a whole, or not; None: it cannot be."""

    why_not_compiled: str = "it has no step that can be compiled as a whole"


ARCHITECTURES: dict[type, Architecture] = {
    FamSwinConfig: Architecture(
        name="fam_swin",
        title="FAM Swin",
        load=load_fam_swin,
        outline=fam_swin_weights,
        contents=fam_swin_contents,
        use_compiled=FamSwin.use_compiled,
    ),
    SpoolConfig: Architecture(
        name="spool",
        title="Spool",
        load=load_spool,
        outline=spool_weights,
        contents=spool_contents,
        why_not_compiled="its attention over frames is compiled on CUDA by itself",
    ),
}
"""The records, by the class of the model's config."""


def architecture_of(config: ModelConfig) -> Architecture:
    """The kind of model that a config is of.

    Raises:
        SettingError: If it has no record here.
    """
    if type(config) not in ARCHITECTURES:
        known = ", ".join(kind.title for kind in ARCHITECTURES.values())
        raise SettingError(
            f"{type(config).__name__} is of no architecture known here: {known}; add its record "
            "to vidmem.models.architectures.ARCHITECTURES"
        )
    return ARCHITECTURES[type(config)]
