"""Where the token and the password come from: flags, the environment, a file, or the terminal."""

from __future__ import annotations

import getpass
import logging
import os
import sys
from pathlib import Path

from app.guard import wording
from app.guard.access import LEAST_PASSWORD, LEAST_TOKEN
from vidmem.errors import SettingError

logger = logging.getLogger(__name__)

TOKEN_VARIABLE = "VIDMEM_TOKEN"
PASSWORD_VARIABLE = "VIDMEM_PASSWORD"
ASK = ""
"""The value of `--password` where it has none."""


def given_token() -> str | None:
    """The token from the environment, which other programs started from here do not get.

    Raises:
        SettingError: If it cannot stand in an address.
    """
    token = os.environ.pop(TOKEN_VARIABLE, "")
    if not token:
        return None
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise SettingError(wording.BAD_TOKEN)
    if len(token) < LEAST_TOKEN:
        warning = wording.SHORT_SECRET.format(
            kind="token", count=len(token), least=f"{LEAST_TOKEN} random ones"
        )
        logger.warning("%s", warning)
    return token


def given_password(flag: str | None, file: Path | None) -> str | None:
    """The password, from the first of: a flag, a file, the environment, the terminal.

    Args:
        flag: The value of `--password`; `ASK` where it has none, `None` where it is not there.
        file: That of `--password-file`, whose first line is the password.

    Raises:
        SettingError: If it cannot be read, or is empty.
    """
    from_environment = os.environ.pop(PASSWORD_VARIABLE, None)
    password = None
    if flag:
        logger.warning("%s", wording.PASSWORD_SHOWN)
        password = flag
    elif file is not None:
        password = _first_line(file)
    elif from_environment is not None:
        password = from_environment
    elif flag == ASK:
        password = _ask()
    if password is None:
        return None
    if not password.strip():
        raise SettingError(wording.EMPTY_PASSWORD.format(least=LEAST_PASSWORD))
    if len(password) < LEAST_PASSWORD:
        warning = wording.SHORT_SECRET.format(
            kind="password", count=len(password), least=LEAST_PASSWORD
        )
        logger.warning("%s", warning)
    return password


def _first_line(file: Path) -> str:
    try:
        with file.open(encoding="utf-8") as lines:
            return lines.readline(10_000).rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"the password file {file} cannot be read: {error}") from error


def _ask() -> str:
    if not sys.stdin.isatty():
        raise SettingError(wording.NO_TERMINAL)
    password = getpass.getpass("Password for the app: ")
    if getpass.getpass("Again: ") != password:
        raise SettingError("the two passwords differ; start again")
    return password
