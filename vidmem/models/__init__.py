"""Whole networks, each beside its config."""

from vidmem.models.checkpoint import load_folder, load_torchvision_swin, save
from vidmem.models.fam_swin import FamSwin
from vidmem.models.fam_swin_config import FamSwinConfig, MemoryConfig
from vidmem.models.fam_swin_state import FamSwinState
from vidmem.models.interface import ModelCard, StepOutput, StreamModel, StreamState
from vidmem.models.presets import bundled_models, list_models, load

__all__ = [
    "FamSwin",
    "FamSwinConfig",
    "FamSwinState",
    "MemoryConfig",
    "ModelCard",
    "StepOutput",
    "StreamModel",
    "StreamState",
    "bundled_models",
    "list_models",
    "load",
    "load_folder",
    "load_torchvision_swin",
    "save",
]
