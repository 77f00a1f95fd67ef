"""What a model costs before it runs: bytes and FLOPs from its config, in closed form."""

from __future__ import annotations

from vidmem.models.backbone_config import BackboneConfig
from vidmem.models.fam_swin_config import FamSwinConfig
from vidmem.models.spool_config import SpoolConfig
from vidmem.profiling.estimate_fam_swin import estimate_fam_swin
from vidmem.profiling.estimate_spool import estimate_spool
from vidmem.profiling.sizing import Estimate, StepSize


def estimate(
    config: FamSwinConfig | SpoolConfig, size: StepSize, backbone: BackboneConfig | None = None
) -> Estimate:
    """Bytes and FLOPs of a model in eval mode, its memory full, for steps of one size.

    Tests hold all of it to what is measured on a CPU: weights and state exactly, the rest within
    10 %. On CUDA it was not measured. Compiled attention (`flex_attention`) is not modelled.

    Args:
        config: The architecture.
        size: Of a step.
        backbone: Spool's image encoder, where its config neither carries nor names a known one.
    """
    if isinstance(config, FamSwinConfig):
        return estimate_fam_swin(config, size)
    return estimate_spool(config, size, backbone)
