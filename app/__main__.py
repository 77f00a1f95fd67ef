"""`python -m app`: flags, then the page on this machine."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

# Nothing heavy here: a process that decodes a video imports this file anew, and must start quickly.

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 7860
DEFAULT_MAX_UPLOAD = "4GB"
DEFAULT_MAX_RUNS = 4
_UNITS = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def parse_size(text: str) -> int:
    """`500MB` to bytes."""
    number, unit = text.strip().upper()[:-2], text.strip().upper()[-2:]
    try:
        size = int(float(number) * _UNITS[unit])
    except (KeyError, ValueError):
        raise argparse.ArgumentTypeError(f"a size such as 500MB or 4GB, got {text!r}") from None
    if size <= 0:
        raise argparse.ArgumentTypeError(f"must be more than 0, got {text!r}")
    return size


def _folder(text: str) -> Path:
    path = Path(text).expanduser()
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {text}")
    return path


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 on, got {text!r}")
    return int(text)


def parser() -> argparse.ArgumentParser:
    """The flags."""
    flags = argparse.ArgumentParser(
        prog="vidmem app",
        description="Watch long videos in the browser.",
        epilog="Predictions are kept as CSV files in the user's cache folder, under vidmem/runs: "
        "the newest 200, none older than a month. "
        "Uploads are deleted with the page that brought them.",
    )
    flags.add_argument(
        "--host", default=DEFAULT_HOST, help="address to listen on (default: this machine only)"
    )
    flags.add_argument("--port", type=int, default=DEFAULT_PORT, help="default: %(default)s")
    flags.add_argument(
        "--model", default=None, help="a name or a folder (default: the bundled model)"
    )
    flags.add_argument(
        "--videos",
        type=_folder,
        default=None,
        metavar="DIR",
        help="a folder whose videos can be opened without upload",
    )
    flags.add_argument(
        "--max-upload",
        type=parse_size,
        default=DEFAULT_MAX_UPLOAD,
        metavar="SIZE",
        help="default: %(default)s",
    )
    flags.add_argument(
        "--max-runs",
        type=_count,
        default=DEFAULT_MAX_RUNS,
        metavar="N",
        help="videos that may play at once (default: %(default)s)",
    )
    flags.add_argument(
        "--allow-addresses",
        action="store_true",
        help="let visitors type addresses of cameras also where --host lets in other machines: "
        "the addresses are opened from here",
    )
    flags.add_argument("--open", action="store_true", help="open a browser")
    return flags


def serve(given: argparse.Namespace) -> int:
    """Serve the page, as the flags say, until Ctrl-C; returns the exit status."""
    import logging

    from vidmem.processors import wait_passively

    wait_passively()
    from app.launch import BUNDLED_MODEL, AppSettings, run_app

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    for noisy in ("httpx", "httpcore"):
        logging.getLogger(noisy).setLevel(logging.WARNING)

    settings = AppSettings(
        host=given.host,
        port=given.port,
        model=given.model or BUNDLED_MODEL,
        videos=given.videos,
        max_upload_bytes=given.max_upload,
        max_runs=given.max_runs,
        allow_addresses=given.allow_addresses,
    )
    return run_app(settings, open_browser=given.open)


def main(arguments: list[str] | None = None) -> int:
    """What the command does."""
    return serve(parser().parse_args(arguments))


if __name__ == "__main__":
    sys.exit(main())
