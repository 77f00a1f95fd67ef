"""What a child says is bounded before it is believed: a file may have taken the child over."""

from __future__ import annotations

import copy
import io
import json
import math
import random
from collections import deque

import pytest

from vidmem.errors import DecoderError, VidmemError
from vidmem.video import FrameFeed, PictureReader, VideoInfo
from vidmem.video.child.format import HEADER, MAX_JSON_BYTES, MessageError, read_message
from vidmem.video.child.process import _error_of
from vidmem.video.claims import info_of
from vidmem.video.live.connection import _frame_of
from vidmem.video.live.pictures import pushed_info

HEIGHT, WIDTH = 2, 3
FRAME_BYTES = HEIGHT * WIDTH * 3
MAX_DATA_BYTES = 8 * FRAME_BYTES

INFO = {**pushed_info("camera", 640, 480).to_json(), "duration_seconds": 60.0}
FRAMES = {
    "kind": "frames",
    "run": 0,
    "indices": [4, 5],
    "seconds": [1.0, 1.25],
    "gaps": [[0.0, 0.5, "frames are damaged"]],
    "name": "pyav",
    "reason": "PyAV reads every file",
    "is_end": False,
}
LIVE = {
    "kind": "frame",
    "run": 1,
    "index": 3,
    "seconds": 0.75,
    "size": [HEIGHT, WIDTH],
    "break_before": None,
}
JPEG = b"\xff\xd8\xff\xe0" + bytes(20)
MESSAGES = [
    ({"kind": "open", "info": INFO, "name": "pyav", "reason": "because", "is_finite": True}, b""),
    (FRAMES, bytes(2 * FRAME_BYTES)),
    ({"kind": "picture", "run": 1, "seconds": 0.5}, JPEG),
    (LIVE, bytes(FRAME_BYTES)),
    ({"kind": "error", "class": "EmptyVideoError", "text": "nothing in it"}, b""),
    ({"kind": "alive"}, b""),
]


def most() -> int:
    return MAX_DATA_BYTES


def packed(values, data: bytes = b"") -> bytes:
    text = json.dumps(values).encode()
    return HEADER.pack(len(text), len(data)) + text + data


class Counted(io.BytesIO):
    """Remembers the most bytes that were asked for at once: they would be allocated."""

    most = 0

    def read(self, size=-1) -> bytes:
        assert size >= 0
        self.most = max(self.most, size)
        return super().read(size)

    def readinto(self, buffer) -> int:
        self.most = max(self.most, len(buffer))
        return super().readinto(buffer)


def feed() -> FrameFeed:
    made = FrameFeed.__new__(FrameFeed)
    made._num_empty = 0
    made.height, made.width, made.fps = HEIGHT, WIDTH, 4.0
    made._batches, made._restarts, made._is_end = deque(), [], False
    return made


def pictures() -> PictureReader:
    made = PictureReader.__new__(PictureReader)
    made.width, made.height = WIDTH, HEIGHT
    return made


def take(message) -> None:
    """Give a message to whoever expects one of its kind."""
    if message.kind == "open":
        info = info_of(message, "/videos/pen.mp4")
        assert info.path.as_posix() == "/videos/pen.mp4"
        check_info(info)
    elif message.kind == "frames":
        one = feed()
        one._take(message)
        frames = one._collect(100)
        assert tuple(frames.pixels.shape) == (len(frames), HEIGHT, WIDTH, 3)
        assert frames.pts_seconds.isfinite().all()
    elif message.kind == "picture":
        picture = pictures()._picture_of(message)
        assert picture.jpeg[:2] == b"\xff\xd8"
        assert math.isfinite(picture.pts_seconds)
    elif message.kind == "frame":
        frame = _frame_of(message)
        assert frame.pixels.numel() == len(message.data)
        assert math.isfinite(frame.seconds)
    elif message.kind == "error":
        error = _error_of(message)
        assert isinstance(error, VidmemError)
        assert len(str(error)) < 5000


def check_info(info: VideoInfo) -> None:
    assert 1 <= info.width <= 65_535
    assert 1 <= info.height <= 65_535
    assert 0 < info.fps < math.inf
    assert info.tick > 0
    assert info.duration_seconds >= 0
    assert info.usual_duration >= 1


def swallow(data: bytes) -> None:
    """Read a stream to its end as the parent does: the only way to fail is to say what is wrong."""
    pipe = Counted(data)
    try:
        while (message := read_message(pipe, most)) is not None:
            take(message)
    except MessageError as error:
        assert 0 < len(str(error)) < 400
    assert pipe.most <= max(MAX_JSON_BYTES, MAX_DATA_BYTES)


def test_whole_messages_are_believed() -> None:
    for values, data in MESSAGES:
        message = read_message(io.BytesIO(packed(values, data)), most)
        assert message is not None
        take(message)


NUM_MUTATIONS = 2500
"""Of each way, in about a second; which ones is drawn, always the same ones."""


def test_changed_bytes_do_no_harm() -> None:
    draw = random.Random(12)
    for _ in range(NUM_MUTATIONS):
        data = bytearray(b"".join(packed(*one) for one in draw.choices(MESSAGES, k=2)))
        for _ in range(draw.randint(1, 4)):
            at, new = draw.randrange(len(data) + 1), draw.randbytes(draw.randint(1, 6))
            way = draw.choice(["set", "header", "cut", "drop", "add"])
            if way == "set":
                data[at : at + len(new)] = new
            elif way == "header":
                place = draw.randrange(HEADER.size)
                data[place : place + 1] = new[:1]
            elif way == "cut":
                del data[at:]
                data = data or bytearray(1)
            elif way == "drop":
                del data[at : at + len(new)]
            else:
                data[at:at] = new
        swallow(bytes(data))


ODD = [
    *(None, True, False, 0, -1, 1, 2, 8, 2**31, 2**53, 2**53 + 1, 2**64, -(2**64), 10**300),
    *(0.0, -0.5, 1e-300, 1e308, math.inf, -math.inf, math.nan),
    *("", "frames", "VidmemError", "\x00", "\x1b[2J", "ü" * 5000, "../../etc/passwd"),
    *([], [[]], [1], [1, 2], [1, 2, 3], [[0, 1, "because"]], [[1, 0, "back"]], ["a"] * 20_000),
    *({}, {"kind": "frames"}, {"width": 1}),
]


def test_changed_values_do_no_harm() -> None:
    draw = random.Random(13)
    for _ in range(NUM_MUTATIONS):
        values, data = copy.deepcopy(draw.choice(MESSAGES))
        for _ in range(draw.randint(1, 2)):
            place = values
            if isinstance(values.get("info"), dict) and draw.random() < 0.8:
                place = values["info"]
            name = draw.choice([*place, "run"])
            old = place.get(name)
            if isinstance(old, list) and old and draw.random() < 0.5:
                old[draw.randrange(len(old))] = copy.deepcopy(draw.choice(ODD))
            elif draw.random() < 0.1:
                place.pop(name, None)
            else:
                place[name] = copy.deepcopy(draw.choice(ODD))
        length = draw.choice([len(data), len(data), 0, len(data) + 1, FRAME_BYTES])
        swallow(packed(values, data[:length].ljust(length, b"x")))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (HEADER.pack(2, 2**64 - 1) + b"{}", "18446744073709551615 bytes"),
        (HEADER.pack(2**32 - 1, 0), "4294967295"),
        (HEADER.pack(6, 0) + b"[" * 6, "no JSON"),
        (HEADER.pack(100_000, 0) + b"[" * 100_000, "no JSON"),
        (HEADER.pack(6000, 0) + b"9" * 6000, "no JSON"),
        (HEADER.pack(2, 0) + b"[]", "without a kind"),
        (packed({"kind": 7}), "without a kind"),
        (packed({**FRAMES, "indices": list(range(10**4))}), "list of at most 8"),
        (packed({**FRAMES, "seconds": [1.0, math.inf]}, bytes(2 * FRAME_BYTES)), "not finite"),
        (packed({**FRAMES, "seconds": [1.0, 10**400]}, bytes(2 * FRAME_BYTES)), "not finite"),
        (packed(FRAMES, bytes(FRAME_BYTES)), "2 frames with 2 times and 18 bytes"),
        (packed({**FRAMES, "indices": [5, 4]}, bytes(2 * FRAME_BYTES)), "not in order"),
        (packed({"kind": "picture", "seconds": 1.0}, b"<html>"), "no JPEG"),
        (packed({"kind": "open", "info": {**INFO, "width": 10**9}}), "width"),
        (packed({"kind": "open", "info": {**INFO, "time_base": [1, 0]}}), "time_base"),
    ],
)
def test_what_cannot_be_true_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(MessageError, match=reason):
        message = read_message(io.BytesIO(data), most)
        assert message is not None
        take(message)


def test_frames_that_never_come_are_not_waited_for() -> None:
    empty = packed({**FRAMES, "indices": [], "seconds": [], "gaps": []})
    message = read_message(io.BytesIO(empty), most)
    assert message is not None
    one = feed()
    for _ in range(10):
        one._take(message)
    with pytest.raises(MessageError, match="again and again"):
        for _ in range(10_000):
            one._take(message)


@pytest.mark.parametrize("name", ["annotations", "Path", "__name__", "NoSuchError", "VidmemError"])
def test_an_error_is_one_of_ours_whatever_it_is_called(name: str) -> None:
    pipe = io.BytesIO(packed({"kind": "error", "class": name, "text": "no"}))
    message = read_message(pipe, most)
    assert message is not None
    assert type(_error_of(message)) in (DecoderError, VidmemError)
