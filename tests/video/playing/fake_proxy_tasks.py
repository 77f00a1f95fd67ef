"""Makers of copies that misbehave, run in a real child process."""

from __future__ import annotations

import errno
import os
import time

from vidmem.errors import StorageError
from vidmem.video import probe_video
from vidmem.video.playing import proxy_task


def _open(parent, settings) -> None:
    info = probe_video(settings["path"])
    parent.send("open", info=info.to_json(), width=2, height=2)


def never_end(parent, settings) -> None:
    _open(parent, settings)
    for number in range(1_000_000):
        parent.copy.write(b"0" * 10)
        parent.copy.flush()
        parent.send("progress", seconds=number / 10, num_bytes=parent.copy.tell())
        time.sleep(0.01)


def hang(parent, settings) -> None:
    _open(parent, settings)
    time.sleep(1000)


def claim_more_than_is_there(parent, settings) -> None:
    _open(parent, settings)
    parent.send("done", num_bytes=100)


def write_too_much(parent, settings) -> None:
    """As a full disk."""

    def fail(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    proxy_task._write = fail
    try:
        proxy_task.run(parent, settings)
    except StorageError as error:
        parent.send_error(error)
