"""What people call their videos, as names of files."""

from __future__ import annotations

import re
import unicodedata

MAX_CHARACTERS, MAX_BYTES = 60, 120
"""Of a stem: file systems take names of 255 bytes, and more is put before and behind it."""

_OTHER = re.compile(r"[^\w. ()-]+")
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def clean_stem(text: str) -> str:
    """A name without its ending, of which every file system takes what is left.

    Letters of all scripts stay; what means something to a shell, a path or a spreadsheet does not.
    """
    # macOS writes an ä as two characters, of which the second is no letter.
    stem = _OTHER.sub("_", unicodedata.normalize("NFC", text))[:MAX_CHARACTERS]
    stem = stem.encode()[:MAX_BYTES].decode(errors="ignore").strip(" .")
    return f"{stem}_" if _DEVICE.fullmatch(stem) else stem or "video"  # Windows takes it for one
