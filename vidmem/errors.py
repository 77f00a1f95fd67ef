"""What can go wrong with what a user brought, as a tree.

VidmemError
├── UnreadableVideoError
│   ├── VideoNotFoundError
│   ├── NotAVideoError
│   ├── NoVideoStreamError
│   ├── EmptyVideoError
│   ├── UnsupportedCodecError
│   └── AddressError
├── DecoderError
│   ├── DecoderTimeoutError
│   ├── DecoderCrashedError
│   └── DecoderMemoryError
├── ModelError
│   └── ModelMemoryError    (also a RuntimeError)
├── SettingError            (also a ValueError)
├── CheckpointError
│   └── WeightsNotAvailableError
├── StateError
├── LabelError
├── DatasetError
├── ProjectError
│   └── StaleEditError
├── AttentionError
├── StorageError
└── MissingPackageError

A programmer's misuse is a plain `ValueError` or `TypeError`. The message of each says what was got,
what was expected and what to do; the app and the command line show it as it is.
"""

from __future__ import annotations


class VidmemError(Exception):
    """Trouble with what a user brought: a file, a setting, a checkpoint."""


class UnreadableVideoError(VidmemError):
    """A source that cannot be read as a video."""


class VideoNotFoundError(UnreadableVideoError):
    """There is no file (any more) under this name."""


class NotAVideoError(UnreadableVideoError):
    """The file is no media file, or its index is missing."""


class NoVideoStreamError(UnreadableVideoError):
    """A media file with sound or data only."""


class EmptyVideoError(UnreadableVideoError):
    """A video stream without a single frame that can be decoded."""


class UnsupportedCodecError(UnreadableVideoError):
    """A codec that the installed decoders do not know."""


class AddressError(UnreadableVideoError):
    """An address or a camera that cannot be watched, or whose connection broke."""


class DecoderError(VidmemError):
    """The process that decodes a video failed."""


class DecoderTimeoutError(DecoderError):
    """The decoder gave nothing within its time limit."""


class DecoderCrashedError(DecoderError):
    """The decoder's process ended unasked."""


class DecoderMemoryError(DecoderError):
    """The decoder's process grew beyond its memory limit and was ended."""


class ModelError(VidmemError):
    """A model's step failed, or gave what is no number."""


class ModelMemoryError(ModelError, RuntimeError):
    """A step of the model found too little memory; a `RuntimeError`, as torch's own is."""


class SettingError(VidmemError, ValueError):
    """A setting outside its allowed values."""


class CheckpointError(VidmemError):
    """A checkpoint that is damaged or of another model."""


class WeightsNotAvailableError(CheckpointError):
    """Pretrained weights that are neither in the cache nor to be fetched."""


class StateError(VidmemError):
    """A saved stream that is damaged, or of another model, video or setting."""


class LabelError(VidmemError):
    """Labels that contradict themselves or their ethogram, or a name or time that cannot be one."""


class DatasetError(VidmemError):
    """A dataset whose layout or annotations are not known, or in which something is wrong."""


class ProjectError(VidmemError):
    """A project that is none, is damaged or cannot be written, or has not what was asked of it."""


class StaleEditError(ProjectError):
    """An edit of something that was changed since its writer looked at it; nothing was done."""


class StorageError(VidmemError):
    """A result could not be written: disk full, folder gone or read-only."""


class MissingPackageError(VidmemError):
    """An optional package is not installed; the message has the command that installs it."""


class AttentionError(VidmemError):
    """An attention backend cannot do here what it was asked for."""
