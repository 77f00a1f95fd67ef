"""The words of the Cost page, by key."""

WORDS = {
    "cost_page_hint": "what is held while it runs, and whether that grows",
    "cost_said": "{headline}. {proof}",
    "cost_now": "Held now",
    "cost_with": "Running with: {details}",
    "cost_events": "What happened",
    "cost_newest_first": "newest first",
    "cost_after_clip": "after clip {clip}",
    "cost_joined": "and {count} like it before",
    "cost_how": "How it is measured",
    "cost_how_slope": "The slope is Theil and Sen's: the median of the slopes between all pairs of "
    "points, so that a few outliers do not move it. The first half of the time is warm-up and left "
    "out, at least 90 s and at most 30 min; another model, or another L_mem, starts it again. "
    "Below 1 MiB per hour it is called flat.",
    "cost_how_room": "Measured with every clip, and between clips while a page shows it. The "
    "timeline takes the same room after days as after minutes: old hours grow coarse, but keep "
    "their least and greatest. State and weights are counted tensor by tensor.",
    "cost_files": "Download",
    "cost_png": "PNG",
    "cost_json": "JSON",
    "cost_csv": "CSV",
}
