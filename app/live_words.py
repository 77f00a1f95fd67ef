"""The words about live sources, by key; part of `app/words.py`."""

LIVE_WORDS = {
    "live_group": "Live",
    "or_camera": "Or watch a camera",
    "address": "Address of a camera",
    "address_placeholder": "rtsp://…, http://… or /dev/video0",
    "address_watch": "Watch",
    "address_refused": "This app can be reached from other machines, so it opens no addresses "
    "(--allow-addresses would allow it).",
    "webcam_start": "Use this device's camera",
    "webcam_stop": "Stop the camera",
    "webcam_hint": "Its pictures go to this app only; none is saved.",
    "webcam_denied": "The browser did not give the camera: allow it for this page (beside the "
    "address, above), and press again.",
    "webcam_missing": "This device has no camera that the browser can use.",
    "webcam_busy": "The camera could not be opened: another program may have it.",
    "webcam_insecure": "Browsers give cameras only to pages from this machine (localhost) or by "
    "https.",
    "webcam_lost": "The camera was taken away.",
    "live_no_seek": "This is live: no going back or ahead.",
    "live_analysed": "Analysed to {time}",
    "live_looking_at": "Looking at {time}. Its picture is not kept: this is live.",
    "live_gap": "{time} · nothing judged: {reason}",
}
