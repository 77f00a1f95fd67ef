"""Whole networks, each beside its config."""

from vidmem.models.backbone_config import BackboneConfig
from vidmem.models.backbones import Backbone, load_backbone
from vidmem.models.checkpoint import load_folder, load_torchvision_swin, save
from vidmem.models.fam_swin import FamSwin
from vidmem.models.fam_swin_config import FamSwinConfig, MemoryConfig
from vidmem.models.fam_swin_state import FamSwinState
from vidmem.models.feature_cache import FeatureCache
from vidmem.models.feature_key import FeatureKey
from vidmem.models.interface import (
    ModelCard,
    Preprocessing,
    StepOutput,
    StreamModel,
    StreamState,
    StreamTraits,
)
from vidmem.models.presets import bundled_models, list_models, load
from vidmem.models.spool import Spool, SpoolScores
from vidmem.models.spool_config import SpoolConfig
from vidmem.models.spool_state import SpoolState
from vidmem.nn.swin import Grid

__all__ = [
    "Backbone",
    "BackboneConfig",
    "FamSwin",
    "FamSwinConfig",
    "FamSwinState",
    "FeatureCache",
    "FeatureKey",
    "Grid",
    "MemoryConfig",
    "ModelCard",
    "Preprocessing",
    "Spool",
    "SpoolConfig",
    "SpoolScores",
    "SpoolState",
    "StepOutput",
    "StreamModel",
    "StreamState",
    "StreamTraits",
    "bundled_models",
    "list_models",
    "load",
    "load_backbone",
    "load_folder",
    "load_torchvision_swin",
    "save",
]
