"""What all that decode in a child process do in the end: it goes with them."""

from __future__ import annotations

from typing import Self

from vidmem.video.child_process import ChildProcess


class ChildOwner:
    """Ends its child process when it is closed, left as a context, or forgotten."""

    _child: ChildProcess

    def close(self) -> None:
        """End the decoding process, within about a second whatever it does."""
        self._child.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __del__(self) -> None:
        child = getattr(self, "_child", None)  # there is none where opening it failed
        if child is not None:
            child.close()
