"""Opening a browser with the token, without showing that to other users of this machine."""

from __future__ import annotations

import html
import tempfile
import threading
import webbrowser
from pathlib import Path

KEPT_SECONDS = 60.0
"""How long a slow browser may take to start and read the file."""


def open_browser(address: str) -> Path | None:
    """Open an address by way of a file that only this user can read; returns the file.

    The command line of a browser is shown to every user of the machine, and so would be the token.
    The file lies in the home folder, since browsers that come as snaps see neither hidden folders
    nor those for temporary files; it is deleted after a minute.
    """
    link = html.escape(address)
    try:
        with tempfile.NamedTemporaryFile(  # of mode 0600
            "w", prefix="vidmem-open-", suffix=".html", dir=Path.home(), delete=False
        ) as file:
            file.write(
                '<!doctype html><meta charset="utf-8"><title>vidmem</title>'
                f'<meta http-equiv="refresh" content="0; url={link}"><a href="{link}">vidmem</a>'
            )
    except OSError:  # no home folder, or none that can be written
        webbrowser.open(address)
        return None
    path = Path(file.name)
    timer = threading.Timer(KEPT_SECONDS, path.unlink, kwargs={"missing_ok": True})
    timer.daemon = True
    timer.start()
    webbrowser.open(path.as_uri())
    return path
