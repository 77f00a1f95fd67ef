"""What of a Spool is saved, and a Spool from what its folder holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace

from torch import Tensor

from vidmem.errors import CheckpointError
from vidmem.models.backbones.backbone import Backbone, load_backbone
from vidmem.models.features.encoder import encoder_outline, load_encoder, saved_weights
from vidmem.models.interface import ModelCard
from vidmem.models.spool.config import SpoolConfig
from vidmem.models.spool.model import Spool
from vidmem.models.weights import check_depth, check_same_weights, outlining


def spool_weights(
    config: SpoolConfig, card: ModelCard, weights: Mapping[str, Tensor]
) -> Mapping[str, Tensor]:
    """The weights that its folder must have, as tensors without values.

    Args:
        config: Of anybody.
        card: Beside it.
        weights: Of the file; a network of more layers than these is not even outlined.

    Raises:
        CheckpointError: If it has more, or its backbone is none.
    """
    if config.features is not None:
        check_depth(config.num_layers, weights)
        with outlining():
            outline = Spool(config, card).state_dict()
        return {**outline, **encoder_outline(config.features, weights)}
    own = config.backbone_config
    options = {} if own is None else own.get("options")
    layers = options.get("num_hidden_layers", 0) if isinstance(options, Mapping) else 0
    check_depth(config.num_layers + (layers if isinstance(layers, int) else 0), weights)
    with outlining():
        backbone = None if own is None else Backbone.from_config(own)
        outline = Spool(config, card, backbone=backbone).state_dict()
    return outline if own is not None else _without_backbone(outline)


def spool_contents(model: Spool) -> tuple[SpoolConfig, dict[str, Tensor]]:
    """The config and the weights that a folder gets.

    The backbone is among them where its weights are its own: fine-tuned, or trained here
    (`SpoolConfig.backbone_config`). A frozen one from elsewhere is named, and found again by name.
    So is that of features, whose reduction is among the weights.

    Raises:
        CheckpointError: If a backbone of its own, or the encoder of its features, is missing.
    """
    config, backbone, weights = model.config, model.backbone, model.state_dict()
    if config.features is not None:
        if model.encoder is None:
            raise CheckpointError(
                "this Spool has no encoder, whose reduction has to be saved: make it with "
                "Spool(config, card, encoder=...)"
            )
        return config, saved_weights(weights)
    if isinstance(backbone, Backbone):
        # Weights that training may have changed exist nowhere else: they are kept with ours.
        if not (config.is_backbone_frozen and backbone.config.is_frozen):
            own_config = asdict(backbone.config)
            config = replace(config, backbone_config=own_config, is_backbone_frozen=False)
    elif config.backbone_config is not None:
        raise CheckpointError(
            "this Spool has no backbone to be saved, though its config says it is its own"
        )
    return config, weights if config.backbone_config else _without_backbone(weights)


def load_spool(config: SpoolConfig, card: ModelCard, weights: dict[str, Tensor]) -> Spool:
    """The network that was saved, in eval mode.

    Raises:
        CheckpointError: If the weights do not fit.
        WeightsNotAvailableError: If it names a backbone that is not on this machine.
    """
    if config.features is not None:
        model = Spool(config, card, encoder=load_encoder(config.features))
        check_same_weights(saved_weights(model.state_dict()), weights)
        model.load_state_dict(weights, strict=False)  # they were compared above
        return model.eval()
    if config.backbone_config is not None:
        backbone = Backbone.from_config(config.backbone_config)
    else:
        backbone = load_backbone(config.backbone, tokens_per_frame=config.tokens_per_frame)
    model = Spool(config, card, backbone=backbone)
    own = model.state_dict()
    check_same_weights(own if config.backbone_config else _without_backbone(own), weights)
    model.load_state_dict(weights, strict=False)  # they were compared above
    return model.eval()


def _without_backbone(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value for name, value in weights.items() if not name.startswith("backbone.")}
