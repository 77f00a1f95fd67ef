"""What a browser is asked whether it can play: the type of a file, with its codecs (RFC 6381).

    video/mp4; codecs="avc1.64001f, mp4a.40.2"

The profile and level of a stream are read from its header. Where a browser then says no, or where
there is no such name, it cannot play the file as it is.
"""

from __future__ import annotations

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream

MP4, MATROSKA, OGG = "mp4", "matroska", "ogg"
WEBM_CODECS = {"vp8", "vp9", "av1", "vorbis", "opus"}
"""A Matroska file of these alone is WebM, which more browsers know."""

_SOUND = {name: name for name in ("mp3", "opus", "vorbis", "flac")} | {
    "ac3": "ac-3",
    "eac3": "ec-3",
}
_VIDEO = {"vp8": "vp8", "theora": "theora", "mpeg4": "mp4v.20.9"}

_VP9_LEVELS = (
    *((10, 829_440, 36_864), (11, 2_764_800, 73_728), (20, 4_608_000, 122_880)),
    *((21, 9_216_000, 245_760), (30, 20_736_000, 552_960), (31, 36_864_000, 983_040)),
    *((40, 83_558_400, 2_228_224), (41, 160_432_128, 2_228_224), (50, 311_951_360, 8_912_896)),
    *((51, 588_251_136, 8_912_896), (52, 1_176_502_272, 8_912_896)),
)
"""Level, and at most so many pixels per second and per picture (VP9 bitstream, annex A)."""


def mime_of(container: InputContainer, stream: VideoStream) -> str:
    """The type of a file with the codecs of its picture and its sound.

    It is empty where browsers have none, or show another track than the one that is read here. A
    codec of sound without such a name stands there by FFmpeg's: a browser says no to it, and may
    say yes to the type without it.
    """
    names = set(container.format.name.split(","))
    codec = video_codec(stream)
    # A browser shows the first track with pictures, whichever is the best.
    is_first = stream.index == container.streams.video[0].index
    if not codec or not is_first or not names & {MP4, MATROSKA, OGG}:
        return ""
    sounds = [one for one in container.streams.audio if one.codec_context is not None]
    codecs = [codec, *map(sound_codec, sounds[:1])]
    used = {one.codec_context.codec.canonical_name for one in (stream, *sounds[:1])}
    kind = "video/mp4" if MP4 in names else "video/ogg"
    if MATROSKA in names:
        kind = "video/webm" if used <= WEBM_CODECS else "video/x-matroska"
    return f'{kind}; codecs="{", ".join(codecs)}"'


def video_codec(stream: VideoStream) -> str:
    """The codec of a picture, such as `avc1.64001f`; empty where browsers have no name for it."""
    context = stream.codec_context
    name, header = context.codec.canonical_name, bytes(context.extradata or b"")
    bits = _bits_of(context.pix_fmt or "")
    if name == "h264":
        return _avc(header)
    if name == "hevc":
        return _hevc(header)
    if name == "vp9":
        rate = float(stream.average_rate or stream.guessed_rate or 30)
        return _vp9(context.pix_fmt or "", bits, context.width * context.height, rate)
    if name == "av1":
        return _av1(header, bits)
    return _VIDEO.get(name, "")


def sound_codec(stream: AudioStream) -> str:
    """The codec of a sound, such as `mp4a.40.2`; FFmpeg's name where browsers have none."""
    context = stream.codec_context
    name, header = context.codec.canonical_name, bytes(context.extradata or b"")
    if name == "aac":
        kind = header[0] >> 3 if header else 2
        if kind == 31 and len(header) > 1:  # of an extended kind
            kind = 32 + ((header[0] & 7) << 3 | header[1] >> 5)
        return f"mp4a.40.{kind or 2}"
    return _SOUND.get(name, name)


def _bits_of(pixel_format: str) -> int:
    """Bits of a colour."""
    try:
        return max(part.bits for part in av.VideoFormat(pixel_format, 16, 16).components)
    except ValueError:
        return 8


def _avc(header: bytes) -> str:
    if len(header) > 3 and header[0] == 1:
        return f"avc1.{header[1:4].hex()}"
    # With start codes: the sequence parameter set (type 7) begins with the same three bytes.
    for unit in header.split(b"\0\0\1")[1:]:
        if len(unit) > 3 and unit[0] & 31 == 7:
            return f"avc1.{unit[1:4].hex()}"
    return ""


def _hevc(header: bytes) -> str:
    """ISO/IEC 14496-15, annex E.3."""
    if len(header) < 13 or header[0] != 1:
        return ""  # with start codes, as in transport streams, which browsers do not play either
    space, tier, profile = header[1] >> 6, header[1] >> 5 & 1, header[1] & 31
    flags = int(f"{int.from_bytes(header[2:6], 'big'):032b}"[::-1], 2)
    constraints = header[6:12].rstrip(b"\0")
    parts = [
        f"hvc1.{('', 'A', 'B', 'C')[space]}{profile}",
        f"{flags:X}",
        f"{'H' if tier else 'L'}{header[12]}",
        *(f"{one:X}" for one in constraints),
    ]
    return ".".join(parts)


def _vp9(pixel_format: str, bits: int, num_pixels: int, fps: float) -> str:
    is_420 = "420" in pixel_format or not pixel_format
    profile = (0 if is_420 else 1) + (2 if bits > 8 else 0)
    level = next(
        (
            number
            for number, most_per_second, most in _VP9_LEVELS
            if num_pixels <= most and num_pixels * fps <= most_per_second
        ),
        62,
    )
    return f"vp09.{profile:02}.{level}.{bits:02}"


def _av1(header: bytes, bits: int) -> str:
    """AV1 codec ISO media file format binding, section 5."""
    if len(header) < 4 or header[0] != 0x81:
        return f"av01.0.08M.{bits:02}"
    profile, level = header[1] >> 5, header[1] & 31
    tier, is_high, is_twelve = header[2] >> 7, header[2] >> 6 & 1, header[2] >> 5 & 1
    depth = 12 if is_high and is_twelve else 10 if is_high else 8
    return f"av01.{profile}.{level:02}{'H' if tier else 'M'}.{depth:02}"
