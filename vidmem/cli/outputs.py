"""Where a command writes: named after the video by default, and never over what it reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from vidmem.cli.terminal import tell
from vidmem.errors import SettingError, VidmemError

EARLIER_OUT = Path("predictions.csv")
"""What `--out` was before names came from the video: such a run is still gone on with."""


def chosen_out(out: Path | None, videos: Sequence[str], *, is_region: bool, resume: bool) -> Path:
    """The predictions file, or of several streams the name that their folder has with an ending.

    Args:
        out: What was given; `None`: nothing.
        videos: To be watched.
        is_region: Whether regions of the one video are.
        resume: Go on with a run, maybe with one that an earlier version named.

    Raises:
        SettingError: If what was given has no name.
    """
    if out is not None:
        if not out.name or out.name == "..":
            raise SettingError(f"--out {out} is a folder; name a file in it")
        return out
    if len(videos) > 1:
        return EARLIER_OUT
    named = Path(f"{_stem(videos[0])}.predictions.csv")
    if not resume or _is_begun(named, is_region) or not _is_begun(EARLIER_OUT, is_region):
        return named
    if not is_region and not _is_of(EARLIER_OUT.with_suffix(".state"), videos[0]):
        return named
    tell(f"going on with {EARLIER_OUT}, the name of earlier versions; new runs write {named}")
    return EARLIER_OUT


def check_paths(
    outputs: Mapping[str, str | Path | None],
    videos: Sequence[str],
    *,
    model: str,
    regions: Path | None,
) -> None:
    """Refuse to write over a video, the model or the regions, or two things to one file.

    Raises:
        SettingError: If an output is an input, or another output.
        StorageError: If one is no file, or another run writes to it.
    """
    from vidmem.streaming import check_outputs, is_live

    inputs: list[Path] = [Path(video) for video in videos if not is_live(video)]
    inputs += [regions] if regions is not None else []
    folder = Path(model)
    inputs += [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []
    check_outputs(outputs, inputs)


def _stem(video: str) -> str:
    from vidmem.streaming import is_live
    from vidmem.video.live.address import file_stem

    return (file_stem(video) if is_live(video) else Path(video).stem) or "video"


def _is_begun(out: Path, is_region: bool) -> bool:
    """Whether a run was saved under this name."""
    if is_region:
        return any(out.with_suffix("").glob("*.state"))
    return out.with_suffix(".state").is_file()


def _is_of(state: Path, video: str) -> bool:
    from vidmem.streaming.saving.identity import SourceIdentity
    from vidmem.streaming.saving.state_file import read_state_file

    try:
        saved, source = read_state_file(state).facts["source"], SourceIdentity.of(Path(video))
        return source.difference_from(saved) is None or source.growth_since(saved) is not None
    except (VidmemError, KeyError, TypeError, AttributeError):
        return False
