"""Random labels, of a few tracks, with edges close enough to meet: by adding, as a person would."""

from __future__ import annotations

from hypothesis import strategies as st

from vidmem.labels import Behaviour, Bout, Ethogram, LabelledVideo, Labels, Span

ETHOGRAM = Ethogram(
    (
        Behaviour("lying", key="l", axis="posture"),
        Behaviour("standing", key="s", axis="posture"),
        Behaviour("säugend 🐖", key="n", axis="activity"),
        Behaviour("feeding", axis="activity"),
        Behaviour("rolling", kind="point", axis="posture"),
    )
)
VIDEOS = ("pen 2.mp4", "ñandú.mp4")
SUBJECTS = ("", "sow 12")
END_SECONDS = 20.0

AXES = st.sampled_from(ETHOGRAM.axes)
SUBJECT = st.sampled_from(SUBJECTS)
VIDEO = st.sampled_from(VIDEOS)
# A coarse grid, so that edges meet, and odd times, as frames have them.
TIME = st.one_of(st.integers(0, 20).map(float), st.integers(0, 600).map(lambda n: n * 1001 / 30000))
INTERVAL = st.tuples(TIME, TIME).filter(lambda t: abs(t[0] - t[1]) > 0.01).map(sorted)


@st.composite
def bouts(draw):
    behaviour = draw(st.sampled_from(ETHOGRAM.behaviours))
    start, end = draw(INTERVAL)
    source = draw(st.sampled_from(("human", "model")))
    return Bout(
        draw(VIDEO),
        start,
        end if behaviour.is_state else start,
        behaviour.name,
        subject=draw(SUBJECT),
        author=draw(st.sampled_from(("", "Zoë"))),
        comment=draw(st.sampled_from(("", "two\nlines"))),
        score=0.5 if source == "model" else None,
        source=source,
    )


@st.composite
def spans(draw):
    start, end = draw(INTERVAL)
    axis = draw(st.sampled_from(("", *ETHOGRAM.axes)))
    return Span(draw(VIDEO), start, end, draw(SUBJECT), axis)


@st.composite
def labels(draw):
    """Of two videos, states and points, with spans scored and not."""
    value = Labels(ETHOGRAM, videos=tuple(LabelledVideo(name, END_SECONDS) for name in VIDEOS))
    for span in draw(st.lists(spans(), max_size=3)):
        value = value.mark_scored(span)
    for span in draw(st.lists(spans(), max_size=2)):
        value = value.mark_not_scored(span)
    return value.add(*draw(st.lists(bouts(), max_size=8)))
