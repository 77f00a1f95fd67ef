"""Where a taught model and its report go: seen to before long work, written after it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from vidmem.errors import CheckpointError, SettingError, StorageError

if TYPE_CHECKING:
    from vidmem.models import Network
    from vidmem.teaching import TeachReport


def check_model_folder(folder: Path, *, replace: bool) -> None:
    """See that a model may be written to a folder.

    Args:
        folder: Need not be there.
        replace: Whether a model that is there may be replaced.

    Raises:
        SettingError: If something else is there, or a model that must not be replaced.
        StorageError: If it cannot be written.
    """
    from vidmem.models import list_models

    if str(folder) in {one.name for one in list_models()}:
        raise SettingError(
            f"{folder} is the name of a model that vidmem has, which would be taken for yours; "
            "give the folder another name"
        )
    check_can_write(folder)
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    if not _is_model(folder):
        raise SettingError(
            f"{folder} is there and is no model's folder; name a new folder, so that nothing in "
            "it is lost"
        )
    if not replace:
        raise SettingError(
            f"{folder} has a model already; give another name, or --replace to put the new one in "
            "its place"
        )


def check_can_write(folder: Path) -> None:
    """See that files can be put into a folder, which need not be there.

    Raises:
        StorageError: If not.
    """
    place = folder.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    if not place.is_dir():
        raise StorageError(f"{folder} cannot be written: {place} is no folder")
    if not os.access(place, os.W_OK | os.X_OK):
        raise StorageError(f"{folder} cannot be written: nothing may be put into {place}")


def write_model(model: Network, report: TeachReport, folder: Path) -> None:
    """Write a model with its report beside it; an older one in the folder is replaced.

    Raises:
        StorageError: If the folder cannot be written.
    """
    import vidmem
    from vidmem.models.look import LOOK_FILE

    vidmem.save(model, folder)
    if getattr(model, "look", None) is None:  # that of an older model would be taken for its own
        (folder / LOOK_FILE).unlink(missing_ok=True)
    report.write(folder)


def _is_model(folder: Path) -> bool:
    from vidmem.models.checkpoint import read_description

    try:
        read_description(folder)
    except CheckpointError:
        return False
    return True
