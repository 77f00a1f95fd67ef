"""Times and lengths of time, as people read them."""

MINUS = "\N{MINUS SIGN}"


def clock_words(start: float, end: float) -> str:
    """From when to when in the video; with tenths where whole seconds would hide the length."""
    has_tenths = any(abs(x - round(x)) > 0.05 for x in (start, end)) and end - start < 10
    return f"{clock_text(start, has_tenths=has_tenths)} to {clock_text(end, has_tenths=has_tenths)}"


def clock_text(seconds: float, *, has_tenths: bool = False) -> str:
    """A time in the video, as the app writes it: `01:36`, `1:02:03`, `00:07.5`."""
    tenths = round(seconds * 10) if has_tenths else round(seconds) * 10
    whole, tenth = divmod(tenths, 10)
    hours, minutes = f"{whole // 3600}:" if whole >= 3600 else "", whole // 60 % 60
    return f"{hours}{minutes:02d}:{whole % 60:02d}" + (f".{tenth}" if has_tenths else "")


def span_words(seconds: float) -> str:
    """A length of time in a word or two: `0.5 s`, `96 s`, `12 min`."""
    if seconds < 10:
        return f"{seconds:.2g} s"
    if seconds < 600:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
