"""The pages of the app, in the order of the bar at the top; each is a folder beside this file."""

from app.pages import (
    cost,
    inside,
    label,
    lesson,
    masks,
    planner,
    results,
    review,
    runs,
    streams,
    teach,
    watch,
)

PAGES = (
    watch.PAGE,
    label.PAGE,
    teach.PAGE,
    lesson.PAGE,
    review.PAGE,
    results.PAGE,
    runs.PAGE,
    streams.PAGE,
    inside.MEMORY,
    inside.HEADS,
    masks.PAGE,
    cost.PAGE,
    planner.PAGE,
)
