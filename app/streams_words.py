"""The words of the Streams page, by key; part of `app/words.py`."""

STREAMS_WORDS = {
    "streams": "Streams",
    "streams_title": "Streams",
    "streams_none": "Watch many at once: several videos or cameras, or several regions of one "
    "picture (pens, animals, the tiles of a mosaic recording). Each is a stream with a memory, a "
    "place and a file of its own; the weights are there once, and clips of different streams are "
    "judged together. Each stream predicts what it would predict alone.",
    "streams_add": "Add streams",
    "streams_close": "Close all",
    "streams_shared": "The Watch page plays too. It and these streams take turns on this machine's "
    "processors, so both are slower than alone.",
    "streams_legend": "Classes",
    "streams_videos": "Several videos or cameras",
    "streams_videos_hint": "tick those to stream",
    "streams_address": "Address of a camera",
    "streams_address_hint": "rtsp://… or /dev/video0",
    "streams_address_add": "Add camera",
    "streams_cameras": "Cameras",
    "streams_upload": "To bring another video, upload it on the page",
    "streams_start_none": "Start streams",
    "streams_start_one": "Start 1 stream",
    "streams_start_many": "Start {count} streams",
    "streams_regions": "Regions of one picture",
    "streams_of": "of {title}",
    "streams_picture": "The picture of the video that is open. Drag a box for each region. Arrow "
    "keys move a place, with Shift they widen it to a box; Enter takes the box, Escape lets it go.",
    "streams_boxes": "Regions",
    "streams_boxes_hint": "Drag a box on the picture; by keys: arrows, Shift with arrows, Enter. "
    "All regions are decoded once. Another video's picture comes when it is chosen on the Watch "
    "page.",
    "streams_not_live": "Regions are cut out of files, and what is open is live. Choose a video "
    "on the Watch page.",
    "streams_tiles": "Tiles of a mosaic",
    "streams_region": "region {number}",
    "streams_name_of": "Name of region {number}",
    "streams_remove_box": "Remove {name}",
    "streams_removed": "{name} was removed",
    "streams_drawn": "{name} was drawn",
    "streams_too_small": "A box that small shows nothing: drag a larger one.",
    "streams_most_boxes": "A page can run {count} streams at once.",
    "streams_clear": "Remove all",
    "streams_start_no_region": "Start regions",
    "streams_start_region": "Start this region",
    "streams_start_regions": "Start {count} regions",
    "streams_opening": "Opening …",
    "streams_speed": "{speed} \N{MULTIPLICATION SIGN} real time",
    "streams_behind": "{span} behind real time",
    "streams_paused": "paused",
    "streams_ended": "watched to the end",
    "streams_broke": "ended early",
    "streams_does": "{does}: {title}",
    "streams_leave": "{title} leaves",
    "streams_leave_hint": "Let it leave; its file stays",
    "streams_csv": "CSV",
    "streams_csv_of": "Predictions of {title}, CSV",
    "streams_memory_of": "L_mem of {title}",
    "streams_sees": "sees the last {span}",
    "streams_picture_of": "{title} at {time}",
    "streams_strip": "{title}: predicted so far. Click to go there; by keys: arrows pick a time, "
    "Enter goes there",
    "streams_at_label": "{time} · {label}",
    "streams_files": "Download",
    "streams_zip": "All predictions, ZIP",
    "streams_json": "Figures, JSON",
    "streams_earlier": "Files of streams that left:",
}
