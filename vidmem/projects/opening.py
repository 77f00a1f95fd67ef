"""A folder looked at before its database is used: is it a project, of this version, and whole?"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from datetime import date
from pathlib import Path

from vidmem.errors import ProjectError
from vidmem.files import other_kind
from vidmem.holding import HeldFile
from vidmem.labels import Ethogram
from vidmem.projects.rows import behaviour_rows, part_between, write_parts
from vidmem.projects.storage.copies import check_whole, copy_to, copy_today
from vidmem.projects.storage.database import Database
from vidmem.projects.storage.failures import missing, project_errors
from vidmem.projects.storage.places import COPIES, DATABASE, LOCK
from vidmem.projects.storage.schema import (
    APPLICATION_ID,
    MIGRATIONS,
    application_of,
    migrate,
    version_of,
)

logger = logging.getLogger(__name__)


def take_part(folder: Path) -> HeldFile:
    """Say that this process has a project open: nobody puts another database in its place.

    Raises:
        ProjectError: If somebody does just now, or the folder cannot be written to.
    """
    with project_errors(folder):
        held = HeldFile.take(folder / LOCK, is_shared=True)
    if held is None:
        raise ProjectError(
            f"the project {folder} is just being put back to a copy; try again in a moment"
        )
    return held


def check_place(folder: Path) -> None:
    """See that a folder has a database that may be opened.

    Raises:
        ProjectError: If not; the message says what there is to go back to.
    """
    if not folder.is_dir():
        raise ProjectError(f"there is no folder {folder}; name the folder of a project")
    path = folder / DATABASE
    if (kind := other_kind(path)) is not None:  # to open a pipe would hang
        raise ProjectError(f"{path} is {kind}, and must be a database; name another folder")
    if not path.exists():
        raise ProjectError(missing(folder))


def bring_up(database: Database, today: date) -> None:
    """Check an existing database, bring it to this version, and make the copy of the day.

    Raises:
        ProjectError: If it is no project's, damaged, of a newer version, or cannot be written.
    """
    folder = database.folder
    with project_errors(folder):
        connection = database.plain()
        _check_ours(folder, connection)
        # Before a copy: a damaged database must not push the good ones out.
        check_whole(connection)
        # A copy that was put back has another mode. Where there is no WAL (a network folder), the
        # mode stays what it is: as safe, and writers wait for readers.
        connection.execute("PRAGMA journal_mode = WAL")
        with database.writing():  # says here, and not at the first key press, if it cannot
            pass
        if (version := version_of(connection)) < len(MIGRATIONS):
            copy_to(folder / COPIES / f"before-version-{version + 1}.db", connection)
            with database.writing() as transaction:
                migrate(transaction)
    copy_of_day(database, today)


def check_copy(path: Path) -> None:
    """See that a file is a whole copy of a project's database.

    Raises:
        ProjectError: If not.
    """
    found = "it is not there"
    if (kind := other_kind(path)) is not None:
        found = f"it is {kind}"
    elif path.is_file():
        try:
            uri = f"{path.absolute().as_uri()}?mode=ro"
            with contextlib.closing(sqlite3.connect(uri, uri=True)) as connection:
                check_whole(connection)
                if application_of(connection) == APPLICATION_ID:
                    return
                found = "it is of another program"
        except sqlite3.Error as error:
            found = str(error)
    raise ProjectError(f"{path} is no whole copy of a project ({found}); choose another one")


def copy_of_day(database: Database, today: date) -> Path | None:
    """Make the copy of a day if it is not there; a failure is logged, and stops nobody's work."""
    try:
        return copy_today(database.folder, database.plain(), today)
    except (OSError, sqlite3.Error) as error:
        logger.warning("no copy of %s could be made today: %s", database.folder / DATABASE, error)
        return None


def set_up(database: Database, ethogram: Ethogram) -> None:
    """Make the tables of a new project, with the ethogram that it begins with.

    Raises:
        ProjectError: If there are tables already, or it cannot be written.
    """
    folder = database.folder
    with project_errors(folder):
        connection = database.plain()
        with contextlib.suppress(sqlite3.OperationalError):  # another maker is at it: wait below
            connection.execute("PRAGMA journal_mode = WAL")
        # Of two that make it at once, the second finds the tables of the first.
        with database.writing() as transaction:
            if not _is_blank(transaction):
                raise ProjectError(f"{folder} is a project already; open it")
            migrate(transaction)
            ids = {name: number for number, name in enumerate(ethogram.names, start=1)}
            rows = behaviour_rows(ethogram, ids)
            write_parts(transaction, [part_between("behaviour", None, frozenset(), rows)])


def _check_ours(folder: Path, connection: sqlite3.Connection) -> None:
    if _is_blank(connection):  # killed while it was made
        raise ProjectError(missing(folder))
    if application_of(connection) != APPLICATION_ID:
        raise ProjectError(
            f"{folder / DATABASE} is a database of another program; name another folder"
        )
    if (version := version_of(connection)) > len(MIGRATIONS):
        raise ProjectError(
            f"the project {folder} was written by a newer vidmem (its version is {version}, this "
            f"one knows {len(MIGRATIONS)}); install that one to open it"
        )


def _is_blank(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
