"""What each kind of model costs before it runs: a record for each.

A model of another kind is planned once its record is added here; it streams without one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from vidmem.errors import SettingError
from vidmem.models.backbones.config import BackboneConfig
from vidmem.models.fam_swin.config import FamSwinConfig
from vidmem.models.interface import ModelConfig, Network
from vidmem.models.spool.config import SpoolConfig
from vidmem.planner.fam_swin import estimate as fam_swin
from vidmem.planner.sizing import Estimate, StepSize
from vidmem.planner.spool.estimate import estimate_spool, random_spool, uncounted_encoder


@dataclass(frozen=True, kw_only=True)
class CostRecord:
    """The cost of a kind of model, from its config alone.

    The image encoder is given where a config neither carries nor names a known one; models that
    have none do not look at it.
    """

    estimate: Callable[[Any, StepSize, BackboneConfig | None], Estimate]
    """Gives bytes and FLOPs of a step."""

    random_network: Callable[[Any, BackboneConfig | None], Network]
    """Makes the network with random weights, so that its step can be timed."""

    uncounted_encoder: Callable[[Any, BackboneConfig | None], str | None] | None = None
    """The name of an image encoder that the estimate leaves out, since its size is not known; None:
    models of this kind have no encoder."""


COSTS: dict[type, CostRecord] = {
    FamSwinConfig: CostRecord(
        estimate=fam_swin.estimate_fam_swin,
        random_network=fam_swin.random_fam_swin,
        uncounted_encoder=fam_swin.uncounted_encoder,
    ),
    SpoolConfig: CostRecord(
        estimate=estimate_spool,
        random_network=random_spool,
        uncounted_encoder=uncounted_encoder,
    ),
}
"""By the class of the config."""


def cost_record(config: ModelConfig) -> CostRecord:
    """The record of the kind of model that a config is of.

    Raises:
        SettingError: If there is none.
    """
    if type(config) not in COSTS:
        raise SettingError(
            f"{type(config).__name__} cannot be planned: what it costs is not known; add its "
            "record to vidmem.planner.architectures.COSTS"
        )
    return COSTS[type(config)]
