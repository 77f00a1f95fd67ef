"""Times, lengths of time, bytes and FLOPs, as people read them: the only place that says how.

The app, the console and the figures use these; `app/pages/shared/format.js` says the same in the
browser, and a test holds the two together.
"""

from __future__ import annotations

import unicodedata

MINUS = "\N{MINUS SIGN}"

KIB, MIB, GIB = 2**10, 2**20, 2**30


def clock(seconds: float, *, has_tenths: bool = False) -> str:
    """A time in a video: `01:36`, `01:02:03`, with tenths `01:36.7`.

    It is cut, not rounded: 96.7 s is `01:36`, since a clock shows 37 only once it is 37.
    """
    # A sum of thirds may lie just under the whole that it stands for.
    tenths = max(0, int(seconds * 10 + 1e-6) if has_tenths else int(seconds + 1e-6) * 10)
    whole = tenths // 10
    text = f"{whole % 3600 // 60:02d}:{whole % 60:02d}"
    text = f"{whole // 3600:02d}:{text}" if whole >= 3600 else text
    return f"{text}.{tenths % 10}" if has_tenths else text


def clock_range(start_seconds: float, end_seconds: float) -> str:
    """From when to when; with tenths where whole seconds would hide the length."""
    has_parts = any(abs(x - round(x)) > 0.05 for x in (start_seconds, end_seconds))
    has_tenths = has_parts and end_seconds - start_seconds < 10
    start, end = (clock(x, has_tenths=has_tenths) for x in (start_seconds, end_seconds))
    return f"{start} to {end}"


def span(seconds: float) -> str:
    """A length of time: `0.25 s`, `4.5 s`, `52 s`, `3 min 20 s`, `6 h`, `6 h 05 min`."""
    if seconds < 10:
        return f"{round(seconds, 2 if seconds < 1 else 1):g} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    if hours:
        return f"{hours} h {minutes:02d} min" if minutes else f"{hours} h"
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def file_size(num_bytes: float) -> str:
    """`11.2 GB`: in powers of ten, as disks count."""
    for unit in ("B", "kB", "MB", "GB"):
        if num_bytes < 1000:
            return f"{num_bytes:.0f} {unit}" if unit == "B" else f"{num_bytes:.1f} {unit}"
        num_bytes /= 1000
    return f"{num_bytes:.1f} TB"


def memory_size(num_bytes: float) -> str:
    """`462.1 MiB`, `192.2 KiB`: in powers of two, as memory is counted."""
    unit_bytes, unit = memory_unit(num_bytes)
    digits = 0 if unit_bytes == 1 else 1
    return f"{num_bytes / unit_bytes:,.{digits}f} {unit}"


def mebibytes(num_bytes: float, digits: int = 1, *, has_sign: bool = False) -> str:
    """`0.2 MiB`, `-40.0 MiB`: amounts to compare, in one unit however small, such as growth.

    What rounds to nothing has no minus.
    """
    amount = round(num_bytes / MIB, digits) + 0.0
    return f"{amount:{'+' if has_sign else ''}.{digits}f} MiB"


def flop_count(count: float) -> str:
    """`940 FLOP`, `3.2 MFLOP`, `75.9 GFLOP`, `1.2 TFLOP`: in powers of ten."""
    for size, unit in ((1e12, "TFLOP"), (1e9, "GFLOP"), (1e6, "MFLOP")):
        if count >= size * 0.9995:  # else it would read as 1,000.0 of the smaller unit
            return f"{count / size:,.1f} {unit}"
    return f"{count:,.0f} FLOP"


def memory_unit(num_bytes: float) -> tuple[int, str]:
    """The unit that `memory_size` takes for so many bytes, for an axis: its bytes and its name."""
    units = ((GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB"))
    return next((unit for unit in units if abs(num_bytes) >= unit[0]), (1, "bytes"))


def visible(text: str, keep: str = "") -> str:
    r"""A text that is shown as it is read: control characters as `\x1b`, not as what they do.

    Names of files and classes come from anywhere. On a terminal an escape can rewrite the screen,
    and a character that turns the direction of writing can make one name look like another.

    Args:
        text: Anything.
        keep: Control characters that stay, such as line breaks.
    """
    if text.isprintable():  # nearly all are, and each character takes longer
        return text
    return "".join(one if one in keep or not _is_hidden(one) else _escape(one) for one in text)


def _is_hidden(character: str) -> bool:
    kind = unicodedata.category(character)
    return kind in ("Cc", "Cs", "Zl", "Zp") or character in _DIRECTIONS


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


_DIRECTIONS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
