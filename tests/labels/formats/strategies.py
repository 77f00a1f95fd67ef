"""Random labels with names and comments that files have trouble with."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from tests.labels.strategies import SUBJECTS, VIDEOS, labels
from vidmem.labels import Labels

AWKWARD = (
    "=1+1",
    "'=1+1",
    "-lying",
    "@home",
    "a,b;c",
    'say "x"',
    "00:00 --> 00:01",
    "<b>&amp;</b>",
    "p=0.5",
    "]]>",
    "a|b@c",
    "לשכב",
    "寝る 0.93",
    "# note",
    "NOTE",
    "%s {x}",
)
NAME = st.one_of(
    st.sampled_from(AWKWARD),
    st.text(
        st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs"), max_codepoint=0x1FFFF),
        min_size=1,
        max_size=8,
    ).filter(lambda one: one.strip() == one and one.isprintable()),
)
COMMENT = st.one_of(
    st.just(""),
    st.lists(st.one_of(NAME, st.sampled_from(("", " ", "p=0.93; author=x", "source=human"))))
    .map("\n".join)
    .map(lambda text: text[:60]),
)


@st.composite
def awkward_labels(draw):
    """As `labels`, with other names of two behaviours, subjects, authors and comments."""
    value: Labels = draw(labels())
    for name in ("lying", "rolling"):
        new = draw(NAME)
        if new not in value.ethogram and new.casefold() not in ("background", "none"):
            value = value.rename_behaviour(name, new)
    subjects = dict(zip(SUBJECTS, ("", draw(NAME)), strict=True))
    bouts = [
        one.changed(
            subject=subjects[one.subject],
            author=draw(NAME) if one.author else "",
            comment=draw(COMMENT),
        )
        for one in value.bouts
    ]
    spans = {
        name: tuple(one.changed(subject=subjects[one.subject]) for one in getattr(value, name))
        for name in ("scored", "not_scored")
    }
    videos = tuple(replace(one, fps=30.0) for one in value.videos)
    return replace(value, bouts=tuple(bouts), videos=videos, **spans)


def of_one_video(value: Labels) -> Labels:
    """For formats with a file per video."""
    return value.for_video(VIDEOS[0])
