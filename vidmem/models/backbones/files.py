"""The files of a pretrained image encoder: where they are, and how it wants its pictures."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vidmem.errors import CheckpointError, WeightsNotAvailableError
from vidmem.files import read_json as read_json_file
from vidmem.models.backbones.packaged import INSTALL_COMMAND, PACKAGED
from vidmem.models.download import cache_folder
from vidmem.models.interface import Preprocessing

CONFIG_FILE = "config.json"
WEIGHTS_FILE, INDEX_FILE = "model.safetensors", "model.safetensors.index.json"
PREPROCESSOR_FILES = ("preprocessor_config.json", "processor_config.json")
"""Either: the second is written by newer releases, for models that read text too."""

_USUAL_OF_THE_HUB = ("facebook/dinov2-small", "facebook/dinov2-base")
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_WANTED = [CONFIG_FILE, *PREPROCESSOR_FILES, "model*.safetensors", INDEX_FILE]


def read_preprocessing(folder: Path) -> Preprocessing:
    """How the pictures of a Hugging Face folder's model are resized and normalised.

    Encoders that resize to a little more than they cut out (256, then 224) are given the whole
    shorter side instead, so that no border of a camera's view is lost.

    Raises:
        WeightsNotAvailableError: If the folder does not say.
        CheckpointError: If what it says cannot be understood.
    """
    path = next((folder / name for name in PREPROCESSOR_FILES if (folder / name).is_file()), None)
    if path is None:
        raise WeightsNotAvailableError(
            f"{folder} has no {PREPROCESSOR_FILES[0]}, so how its pictures were normalised is "
            "unknown; put the file of the same model there, or say preprocessing=Preprocessing(...)"
        )
    values = read_json(path)
    values = values.get("image_processor", values)
    try:
        return _preprocessing(values)
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path} does not say how pictures are resized: {error!r}") from error


def _preprocessing(values: Mapping[str, Any]) -> Preprocessing:
    is_cropped = bool(values.get("do_center_crop", False))
    size = values["crop_size" if is_cropped else "size"]
    height, width = _height_and_width(size)
    is_squashed = not is_cropped and not (isinstance(size, Mapping) and "shortest_edge" in size)
    is_normalised = bool(values.get("do_normalize", True))
    is_rescaled = bool(values.get("do_rescale", True))
    # Their mean and std are for pixels (0 to 255) times the factor, ours for pixels from 0 to 1.
    scale = 255 * float(values.get("rescale_factor", 1 / 255)) if is_rescaled else 255.0
    mean = values["image_mean"] if is_normalised else (0.0, 0.0, 0.0)
    std = values["image_std"] if is_normalised else (1.0, 1.0, 1.0)
    return Preprocessing(
        frame_height=height,
        frame_width=width,
        resize="squash" if is_squashed else "crop",
        mean=_three(mean, scale),
        std=_three(std, scale),
    )


def _three(values: Any, scale: float) -> tuple[float, float, float]:
    """Colours as they are for pixels from 0 to 1, from those for pixels from 0 to `scale`."""
    # Rounded: files have the factor as 0.00392156862745098, and equal colours must compare equal.
    red, green, blue = (round(float(value) / scale, 9) for value in values)
    return red, green, blue


def _height_and_width(size: Any) -> tuple[int, int]:
    if isinstance(size, Mapping):
        edge = size.get("shortest_edge")
        return int(size.get("height", edge)), int(size.get("width", edge))
    if isinstance(size, list | tuple):
        return int(size[0]), int(size[1])
    return int(size), int(size)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file.

    Raises:
        CheckpointError: If it cannot be read, or is something else.
    """
    try:
        values = read_json_file(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CheckpointError(f"{path} cannot be read as JSON: {reason}") from error
    if not isinstance(values, dict):
        raise CheckpointError(f"{path} must hold a JSON object, got {type(values).__name__}")
    return values


def find_backbone(name_or_folder: str | Path, *, may_fetch: bool = False) -> Path:
    """The folder with an encoder's files; of one that comes with an extra, the file of its weights.

    Looked for, in this order: an encoder that comes with an extra, a folder of that name,
    `backbones/` in vidmem's cache, the cache of the Hugging Face hub. The network is used last, and
    only if that is allowed.

    Args:
        name_or_folder: `lite2`, `lite0`, a folder, or a name on the hub (`facebook/dinov2-small`).
        may_fetch: Whether the hub may be contacted.

    Raises:
        WeightsNotAvailableError: If it is nowhere, or not whole, with what to put where.
    """
    name = str(name_or_folder)
    if name in PACKAGED:
        return PACKAGED[name].find()
    if Path(name_or_folder).is_dir():
        missing = missing_files(Path(name_or_folder))
        if missing:
            raise WeightsNotAvailableError(
                f"the folder {name} has no {' and no '.join(missing)}; download it whole, or give "
                "the name of a model on the Hugging Face hub"
            )
        return Path(name_or_folder)
    if not _HUB_NAME.fullmatch(name):
        raise WeightsNotAvailableError(
            f"there is no folder {name}; give an existing one, {' or '.join(PACKAGED)}, or the "
            "name of a model on the Hugging Face hub, such as facebook/dinov2-small"
        )
    own = own_folder(name)
    folder = next((f for f in (own, _hub_cache(name)) if f and _is_whole(f)), None)
    if folder is None and may_fetch:
        return _fetch(name, own)
    if folder is None:
        raise WeightsNotAvailableError(f"{name} is not on this machine. {_advice(name, own)}")
    return folder


def is_here(name_or_folder: str | Path) -> bool:
    """Whether an encoder's files are on this machine."""
    try:
        find_backbone(name_or_folder)
    except WeightsNotAvailableError:
        return False
    return True


@dataclass(frozen=True)
class EncoderListing:
    """An image encoder that people know by name."""

    name: str
    is_available: bool
    """Whether it loads without fetching or installing anything."""

    needs: str
    """What would have to be fetched or installed; empty where nothing."""


def list_encoders() -> list[EncoderListing]:
    """The encoders that come with an extra, then those that are most often fetched."""
    needs = dict.fromkeys(PACKAGED, INSTALL_COMMAND) | dict.fromkeys(
        _USUAL_OF_THE_HUB, "is fetched from the Hugging Face hub where it is asked for"
    )
    are_here = {name: is_here(name) for name in needs}
    return [
        EncoderListing(name, are_here[name], "" if are_here[name] else how)
        for name, how in needs.items()
    ]


def own_folder(name: str) -> Path:
    """Where vidmem keeps, and first looks for, a model of the hub."""
    return cache_folder() / "backbones" / name.replace("/", "--")


def missing_files(folder: Path) -> list[str]:
    """The files of an encoder that a folder lacks; those of its pictures are not counted."""
    names = [CONFIG_FILE]
    if (folder / INDEX_FILE).is_file():
        names += sorted(set(read_json(folder / INDEX_FILE).get("weight_map", {}).values()))
    else:
        names.append(WEIGHTS_FILE)
    return [name for name in names if not (folder / name).is_file()]


def _is_whole(folder: Path) -> bool:
    """Whether a folder that vidmem or the hub's client filled has all files."""
    has_preprocessor = any((folder / name).is_file() for name in PREPROCESSOR_FILES)
    return has_preprocessor and not missing_files(folder)


def _hub_cache(name: str) -> Path | None:
    """Its folder in the cache of the hub's own client, without any network."""
    import huggingface_hub

    try:
        path = huggingface_hub.snapshot_download(
            name, allow_patterns=_WANTED, local_files_only=True
        )
    except (OSError, ValueError):  # nothing there, or only a part
        return None
    return Path(path)


def _fetch(name: str, folder: Path, timeout_seconds: float = 30.0) -> Path:
    """The folder, with an encoder's files fetched into it; files that are whole are kept."""
    import huggingface_hub
    from huggingface_hub.utils import disable_progress_bars

    try:
        with disable_progress_bars():
            huggingface_hub.snapshot_download(
                name, allow_patterns=_WANTED, local_dir=folder, etag_timeout=timeout_seconds
            )
    except Exception as error:  # the client's many, and those of the library below it
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        raise WeightsNotAvailableError(
            f"{name} could not be fetched ({reason}). {_advice(name, folder)}"
        ) from error
    if not _is_whole(folder):
        missing = missing_files(folder) or [PREPROCESSOR_FILES[0]]
        raise WeightsNotAvailableError(
            f"{name} has no {' and no '.join(missing)} on the Hugging Face hub; vidmem reads "
            "weights as safetensors only"
        )
    return folder


def _advice(name: str, folder: Path) -> str:
    return (
        f"Download {CONFIG_FILE}, {PREPROCESSOR_FILES[0]} and {WEIGHTS_FILE} from "
        f"https://huggingface.co/{name}/tree/main on a machine with network and put them into "
        f"{folder}"
    )
