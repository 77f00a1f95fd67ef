"""Connections to `project.db` and transactions on it, for several threads and processes at once.

A project is on a disk of the machine itself: the WAL of SQLite needs memory that the processes
share, which network folders do not have.
"""

from __future__ import annotations

import sqlite3
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vidmem.errors import ProjectError
from vidmem.projects.storage.failures import project_errors
from vidmem.projects.storage.places import DATABASE

BUSY_SECONDS = 15.0
"""How long a writer waits for another one; a transaction takes milliseconds."""


class Database:
    """The database of a project: a connection for each thread that uses it."""

    def __init__(self, folder: Path, *, is_new: bool = False) -> None:
        """Nothing is opened yet; `is_new`: a file may be made."""
        self.folder = folder
        self._mode = "rwc" if is_new else "rw"
        self._local = threading.local()
        self._open: weakref.WeakSet[_Owned] = weakref.WeakSet()
        # SQLite's own waiting is a sleep of up to 100 ms, in no order: threads take turns here.
        self._turn = threading.Lock()
        self._is_closed = False

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One moment of the database, however many statements are asked; no writer waits for it.

        Inside of `writing`, what that wrote already.

        Raises:
            ProjectError: If it cannot be read.
        """
        with project_errors(self.folder):
            connection = self._connection()
            if connection.in_transaction:
                yield connection
                return
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                _roll_back(connection)

    @contextmanager
    def writing(self, *, is_durable: bool = True) -> Iterator[sqlite3.Connection]:
        """A transaction: all that is written inside is kept, or, after an exception, nothing.

        Args:
            is_durable: Whether it is on the disk when this returns.

        Raises:
            ProjectError: If it cannot be written; nothing of it is then.
        """
        with project_errors(self.folder):
            connection = self._connection()
            if connection.in_transaction:
                raise RuntimeError("a transaction is being written already; transactions are short")
            with self._turn:
                # A commit appends to the log (WAL), one frame with a checksum after the other, and
                # counts from its last frame on. What a killed process wrote is in the system's
                # memory and gets to the disk all the same; a frame that was cut off is not read.
                # So kill -9 costs the transaction in flight and no other, with NORMAL as with FULL.
                # FULL also waits for the disk at each commit, and saves from a power cut what a
                # person labelled in the last seconds: she presses five keys a second, and can wait
                # a few milliseconds. The progress of a run can do without.
                connection.execute(f"PRAGMA synchronous = {'FULL' if is_durable else 'NORMAL'}")
                # At once the only writer: a transaction that began by reading could find at its
                # end that another wrote meanwhile.
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                    connection.execute("COMMIT")
                except BaseException:
                    _roll_back(connection)
                    raise

    def plain(self) -> sqlite3.Connection:
        """The connection of this thread, outside of a transaction; errors are SQLite's own."""
        return self._connection()

    def close(self) -> None:
        """Close the connections of all threads; the last one empties the log into the database."""
        self._is_closed = True
        for owned in list(self._open):
            owned.close()

    def _connection(self) -> sqlite3.Connection:
        if self._is_closed:
            raise ProjectError(f"the project {self.folder} was closed; open it again")
        owned: _Owned | None = getattr(self._local, "owned", None)
        if owned is None:
            owned = self._local.owned = _Owned(self._connect())
            self._open.add(owned)
        return owned.connection

    def _connect(self) -> sqlite3.Connection:
        uri = f"{(self.folder / DATABASE).absolute().as_uri()}?mode={self._mode}"
        connection = sqlite3.connect(
            uri,
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,  # transactions begin and end where this file says so
            check_same_thread=False,  # only `close` comes from another thread
        )
        connection.execute("PRAGMA foreign_keys = ON")
        # A project may come from somebody else: its schema calls no function of ours.
        connection.execute("PRAGMA trusted_schema = OFF")
        return connection


class _Owned:
    """A connection that is closed when the thread that it is for has ended."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def close(self) -> None:
        self.connection.close()

    def __del__(self) -> None:
        self.close()


def _roll_back(connection: sqlite3.Connection) -> None:
    # A full disk ends a transaction by itself.
    if connection.in_transaction:
        connection.execute("ROLLBACK")
