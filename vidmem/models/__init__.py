"""Whole networks, each beside its config."""

from vidmem.models.backbones.backbone import Backbone, EncodedFrames, load_backbone
from vidmem.models.backbones.config import BackboneConfig
from vidmem.models.backbones.files import EncoderListing, list_encoders
from vidmem.models.checkpoint import load_folder, save
from vidmem.models.fam_swin.checkpoint import load_torchvision_swin
from vidmem.models.fam_swin.config import FamSwinConfig, MemoryConfig
from vidmem.models.fam_swin.model import FamSwin
from vidmem.models.fam_swin.state import FamSwinState
from vidmem.models.features.config import FeatureConfig
from vidmem.models.features.encoder import FeatureEncoder, Features
from vidmem.models.features.reduction import RawFeatures, Reduction
from vidmem.models.features.storage.key import FeatureKey
from vidmem.models.features.storage.store import FeatureStore, StoredFeatures
from vidmem.models.features.storage.writer import FeatureWriter
from vidmem.models.interface import (
    CardAxis,
    FollowedCrop,
    ModelCard,
    ModelConfig,
    ModelState,
    Network,
    Preprocessing,
    StepOutput,
    StreamModel,
    StreamTraits,
)
from vidmem.models.presets import bundled_models, list_models, load
from vidmem.models.spool.config import SpoolConfig
from vidmem.models.spool.model import Spool, SpoolScores
from vidmem.models.spool.state import SpoolState
from vidmem.nn.swin import Grid
from vidmem.renamed import renamed_names

__all__ = [
    "Backbone",
    "BackboneConfig",
    "CardAxis",
    "EncodedFrames",
    "EncoderListing",
    "FamSwin",
    "FamSwinConfig",
    "FamSwinState",
    "FeatureConfig",
    "FeatureEncoder",
    "FeatureKey",
    "FeatureStore",
    "FeatureWriter",
    "Features",
    "FollowedCrop",
    "Grid",
    "MemoryConfig",
    "ModelCard",
    "ModelConfig",
    "ModelState",
    "Network",
    "Preprocessing",
    "RawFeatures",
    "Reduction",
    "Spool",
    "SpoolConfig",
    "SpoolScores",
    "SpoolState",
    "StepOutput",
    "StoredFeatures",
    "StreamModel",
    "StreamTraits",
    "bundled_models",
    "list_encoders",
    "list_models",
    "load",
    "load_backbone",
    "load_folder",
    "load_torchvision_swin",
    "save",
]

__getattr__ = renamed_names(
    __name__,
    {
        "FeatureCache": "FeatureStore",
        "StreamState": "ModelState",
    },
)
