"""What can go wrong with a project's database, in sentences that say what is not lost."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vidmem.errors import ProjectError
from vidmem.projects.storage.copies import list_copies
from vidmem.projects.storage.places import DATABASE

_FULL = (errno.ENOSPC, errno.EDQUOT)
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)
_SAVED = "what was saved before is safe"


@contextmanager
def project_errors(folder: Path) -> Iterator[None]:
    """Raise a `ProjectError` for what the disk or the database cannot do.

    A constraint that is broken, or SQL that is wrong, is a bug and stays what it is.
    """
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.InterfaceError):
        raise
    except sqlite3.Error as error:
        raise ProjectError(_of_database(folder, error)) from error
    except OSError as error:
        raise ProjectError(_of_system(folder, error)) from error


def damaged(folder: Path, found: str) -> str:
    """That a database is damaged, and what it can go back to."""
    return (
        f"the database of the project {folder} is damaged ({found}). {_advice(folder)} The damaged "
        "one is kept beside it"
    )


def missing(folder: Path) -> str:
    """That a folder has no database, and what it can go back to or begin with."""
    if list_copies(folder):
        return f"the project {folder} has lost its {DATABASE}. {_advice(folder)}"
    return (
        f"{folder} is no project: it has no {DATABASE}; name the folder of a project, or make a "
        "new one there"
    )


def _advice(folder: Path) -> str:
    copies = list_copies(folder)
    if not copies:
        return "There is no copy of it yet."
    names = ", ".join(copy.path.name for copy in copies)
    return f"Go back to one of its copies with Project.restore(folder, copy): {names}."


def _of_database(folder: Path, error: sqlite3.Error) -> str:
    code = getattr(error, "sqlite_errorcode", None)
    kind = None if code is None else code & 0xFF  # the rest says where in SQLite it was noticed
    if kind == sqlite3.SQLITE_FULL:
        return _disk_is_full(folder)
    if kind in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return _is_read_only(folder)
    if kind == sqlite3.SQLITE_CANTOPEN:
        return (
            f"the database of the project {folder} cannot be opened or written ({error}); see that "
            f"the folder is there and may be written to; {_SAVED}"
        )
    if kind in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return (
            f"another program has been writing to the project {folder} for too long; nothing was "
            "changed; try again, and close that program if it hangs"
        )
    if kind == sqlite3.SQLITE_IOERR:
        return (
            f"the disk failed at the database of the project {folder} ({error}); this was not "
            f"saved, {_SAVED}; see that the disk has room and is connected"
        )
    # What SQLite itself calls damage, and what `check_whole` found, which has no code.
    if kind in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, None):
        return damaged(folder, str(error))
    return f"the database of the project {folder} failed: {error}; this was not saved, {_SAVED}"


def _of_system(folder: Path, error: OSError) -> str:
    if error.errno in _FULL:
        return _disk_is_full(folder)
    if error.errno in _READ_ONLY:
        return _is_read_only(folder)
    return f"the project {folder} cannot be used: {error}"


def _disk_is_full(folder: Path) -> str:
    return (
        f"the disk of the project {folder} is full: this was not saved, {_SAVED}; free some space "
        "and do it again"
    )


def _is_read_only(folder: Path) -> str:
    return (
        f"the project {folder} cannot be written to: its folder or its files are read-only; change "
        "their permissions, or copy the folder to where you may write"
    )
