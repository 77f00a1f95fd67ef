"""`python -m app`: flags, then the page on this machine."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

# Import nothing heavy at the top: each process that decodes a video imports this file again, and
# must start quickly.

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


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"must be from 0 (any free one) to 65535, got {text!r}")
    return int(text)


def parser() -> argparse.ArgumentParser:
    """The flags."""
    flags = argparse.ArgumentParser(
        prog="vidmem app",
        description="Watch long videos in the browser.",
        epilog="What plays is kept in the project with its predictions, until you delete it on the "
        "Runs page; so are uploads that were watched. All other uploads are deleted with the page "
        "that brought them, and at the end of the app.",
    )
    flags.add_argument(
        "--host", default=DEFAULT_HOST, help="address to listen on (default: this machine only)"
    )
    flags.add_argument(
        "--port", type=_port, default=DEFAULT_PORT, help="default: %(default)s; 0: any free one"
    )
    flags.add_argument(
        "--model", default=None, help="a name or a folder (default: the bundled model)"
    )
    flags.add_argument(
        "--project",
        type=Path,
        default=None,
        metavar="DIR",
        help="the folder that keeps behaviours, labels, runs and uploads; made where it is missing "
        "(default: one in the user's data folder)",
    )
    flags.add_argument(
        "--videos",
        type=_folder,
        default=None,
        metavar="DIR",
        help="a folder whose videos can be opened without upload",
    )
    flags.add_argument(
        "--follow-links",
        action="store_true",
        help="list also what links in that folder lead to, outside of it",
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
    _add_access(flags)
    flags.add_argument("--open", action="store_true", help="open a browser")
    return flags


def _add_access(flags: argparse.ArgumentParser) -> None:
    """Flags about who gets in, and what they may have opened."""
    flags.add_argument(
        "--password",
        nargs="?",
        const="",
        metavar="TEXT",
        help="ask visitors for a password; without TEXT, which other users of this machine could "
        "read, it is taken from VIDMEM_PASSWORD or asked for",
    )
    flags.add_argument(
        "--password-file",
        type=Path,
        metavar="FILE",
        help="a file whose first line is the password",
    )
    flags.add_argument(
        "--no-token",
        action="store_true",
        help="let every user and program of this machine in, without the token in the address "
        "(which is new at each start, or that in VIDMEM_TOKEN)",
    )
    flags.add_argument(
        "--allowed-host",
        action="append",
        default=[],
        metavar="NAME",
        help="another name of the app, such as that of a proxy before it; may be repeated",
    )
    flags.add_argument(
        "--allow-addresses",
        action="store_true",
        help="let visitors from elsewhere type addresses of cameras too: these are opened from "
        "here, unless they lead into this machine or its network",
    )
    flags.add_argument(
        "--allow-network",
        action="append",
        default=[],
        metavar="NETWORK",
        help="with --allow-addresses, a private network whose cameras may be opened for visitors "
        "from elsewhere, such as 192.168.20.0/24; may be repeated",
    )


def serve(given: argparse.Namespace) -> int:
    """Serve the page, as the flags say, until Ctrl-C; returns the exit status."""
    import logging

    from vidmem.processors import wait_passively

    wait_passively()  # before the next line, which imports torch
    from app.guard.given import given_password, given_token
    from app.launch import BUNDLED_MODEL, AppSettings, run_app
    from vidmem.errors import SettingError

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    # Gradio makes requests of its own, and these would log a line for each.
    for noisy in ("httpx", "httpcore"):
        logging.getLogger(noisy).setLevel(logging.WARNING)

    try:
        token = given_token()
        password = given_password(given.password, given.password_file)
    except SettingError as error:
        logging.getLogger(__name__).error("vidmem app: %s", error)
        return 1
    settings = AppSettings(
        host=given.host,
        port=given.port,
        model=given.model or BUNDLED_MODEL,
        project=given.project.expanduser() if given.project else None,
        videos=given.videos,
        follows_links=given.follow_links,
        max_upload_bytes=given.max_upload,
        max_runs=given.max_runs,
        token=token,
        has_token=not given.no_token,
        password=password,
        allowed_hosts=tuple(given.allowed_host),
        allow_addresses=given.allow_addresses,
        allowed_networks=tuple(given.allow_network),
    )
    return run_app(settings, is_opened=given.open)


def main(arguments: list[str] | None = None) -> int:
    """What the command does."""
    return serve(parser().parse_args(arguments))


if __name__ == "__main__":
    sys.exit(main())
