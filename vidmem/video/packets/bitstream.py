"""What the packets of a stream say of themselves, read from their own headers without decoding.

A container's key flag is a claim of whoever wrote the file, and is wrong often enough: packets that
are marked and cannot be decoded alone, streams that recover over many frames without any key frame.
So where decoding may start is taken from the pictures' own headers wherever those can be read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import av
from av.video.codeccontext import VideoCodecContext

MAX_HEADER_BYTES = 1 << 16
"""Of a packet with start codes, looked through for the header of its picture."""

INTRA_ONLY_CODECS = {"mjpeg", "prores", "dnxhd", "rawvideo", "huffyuv", "dvvideo", "png"}
"""Every packet of theirs is a picture of its own."""

ONE_START_CODECS = {"gif", "apng"}
"""Their pictures are drawn onto those before, from the first one on."""

MPEG4_CODECS, MPEG2_CODECS = {"mpeg4"}, {"mpeg1video", "mpeg2video"}

# Types of NAL units: H.264 table 7-1, HEVC table 7-1.
H264_SLICES, H264_IDR, H264_SEI = (1, 2, 5), 5, 6
HEVC_LAST_SLICE, HEVC_LAST_SUB_LAYER = 31, 15
HEVC_IDR, HEVC_IRAP, HEVC_PREFIX_SEI = (19, 20), range(16, 24), 39
SEI_RECOVERY_POINT = 6
AV1_SEQUENCE_HEADER = 1


@dataclass(frozen=True)
class PacketFacts:
    """What is known of a packet without decoding it."""

    pts: int | None
    is_reference: bool
    """Others may be predicted from it; True where the codec does not tell."""

    is_fresh_start: bool
    """Nothing from here on is predicted from anything before."""

    is_entry: bool = False
    """Decoding may start here; what is shown before it may not come out right."""

    frames_to_recovery: int = 0
    """Reference frames from an entry until pictures are right: streams that refresh themselves
    piece by piece instead of with a key frame."""

    is_bidirectional: bool = False
    """A B picture: stored after a picture that is shown later."""


class PacketReader:
    """Reads the headers of a stream's packets; knows how its codec packs them."""

    def __init__(self, context: VideoCodecContext) -> None:
        extradata = context.extradata or b""
        self.codec = context.codec.canonical_name
        self.has_reordered_frames = context.has_b_frames
        self.length_bytes = nal_length_bytes(self.codec, extradata)
        self.is_intra_only = self.codec in INTRA_ONLY_CODECS or bool(
            getattr(context.codec, "intra_only", False)
        )

    def facts(self, packet: av.Packet) -> PacketFacts:
        """What the headers of a packet tell; cautious where they do not: it may be needed."""
        if self.codec == "h264":
            return self._h264(packet)
        if self.codec == "hevc":
            return self._hevc(packet)
        if self.is_intra_only:
            return PacketFacts(packet.pts, False, True, True)
        if self.codec in MPEG4_CODECS | MPEG2_CODECS:
            return self._mpeg(packet)
        is_key = self._is_key(packet)
        is_fresh = is_key and self.codec in {"vp8", "vp9", "av1"}
        return PacketFacts(packet.pts, True, is_fresh, is_key)

    def nal_units(self, packet: av.Packet, num_bytes: int) -> Iterator[bytes]:
        """The first bytes of each unit of a packet of H.264 or HEVC."""
        data = memoryview(packet)
        if not self.length_bytes:
            yield from _start_code_units(bytes(data[:MAX_HEADER_BYTES]), num_bytes)
            return
        position = 0
        while position + self.length_bytes + 2 <= len(data):
            start = position + self.length_bytes
            position = start + int.from_bytes(data[position:start], "big")
            yield bytes(data[start : min(start + num_bytes, position)])

    def _h264(self, packet: av.Packet) -> PacketFacts:
        recovery: int | None = None
        for unit in self.nal_units(packet, 64):
            kind = unit[0] & 31 if unit else 0
            if kind == H264_SEI:
                recovery = recovery if recovery is not None else _recovery_frames(unit[1:])
            elif kind in H264_SLICES and len(unit) > 1:
                bits = Bits(unit[1:])
                bits.exp_golomb()  # first_mb_in_slice
                is_b = bits.exp_golomb() % 5 == 1
                is_idr = kind == H264_IDR
                return PacketFacts(
                    packet.pts,
                    unit[0] & 0x60 != 0,
                    is_idr,
                    is_idr or recovery is not None,
                    0 if is_idr else recovery or 0,
                    is_b,
                )
        return PacketFacts(packet.pts, True, False)

    def _hevc(self, packet: av.Packet) -> PacketFacts:
        recovery: int | None = None
        for unit in self.nal_units(packet, 64):
            if len(unit) < 3:
                continue
            kind, layer = unit[0] >> 1 & 63, unit[1] & 7
            if kind == HEVC_PREFIX_SEI:
                recovery = recovery if recovery is not None else _recovery_frames(unit[2:], True)
            if kind <= HEVC_LAST_SLICE:
                # In the lowest sub-layer only: in others, frames of a higher one may need it.
                is_unused = kind <= HEVC_LAST_SUB_LAYER and kind % 2 == 0 and layer == 1
                is_key = kind in HEVC_IRAP
                return PacketFacts(
                    packet.pts,
                    not is_unused,
                    kind in HEVC_IDR,
                    is_key or recovery is not None,
                    0 if is_key else recovery or 0,
                    not is_key,  # its slices do not say whether they look ahead
                )
        return PacketFacts(packet.pts, True, False)

    def _mpeg(self, packet: av.Packet) -> PacketFacts:
        kind = _mpeg_picture(bytes(packet), is_mpeg4=self.codec in MPEG4_CODECS)
        return PacketFacts(packet.pts, kind != "B", False, kind == "I", 0, kind == "B")

    def _is_key(self, packet: av.Packet) -> bool:
        """Whether a packet of another codec is a key frame: by its bits, or by the container."""
        data = memoryview(packet)
        if not len(data):
            return False
        first = data[0]
        if self.codec == "vp8":
            return first & 1 == 0
        if self.codec == "vp9":
            shift = 1 if first & 0x30 == 0x30 else 0  # profile 3 has one more bit before
            return first >> 6 == 2 and not first >> (3 - shift) & 1 and not first >> (2 - shift) & 1
        if self.codec == "av1":
            return packet.is_keyframe and AV1_SEQUENCE_HEADER in _av1_units(bytes(data[:4096]))
        if self.codec == "theora":
            return first & 0xC0 == 0
        if self.codec == "ffv1":
            # The first symbol of its range coder, at even odds.
            return len(data) > 1 and int.from_bytes(data[:2], "big") >= 0x7F80
        return packet.is_keyframe and self.codec not in ONE_START_CODECS


class Bits:
    """Reads bits and Exp-Golomb numbers of the start of a NAL unit; 0 behind its end."""

    def __init__(self, data: bytes) -> None:
        data = data.replace(b"\x00\x00\x03", b"\x00\x00")  # emulation prevention
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def read(self, num_bits: int) -> int:
        """A number of this many bits."""
        self._left -= num_bits
        if self._left < 0:
            self._left = 0
            return 0
        return self._value >> self._left & ((1 << num_bits) - 1)

    def exp_golomb(self) -> int:
        """ue(v) of the standards."""
        left = self._value & ((1 << self._left) - 1) if self._left > 0 else 0
        if not left:
            return 0
        num_zeros = self._left - left.bit_length()
        self._left -= num_zeros + 1
        return (1 << num_zeros) - 1 + self.read(num_zeros)


def nal_length_bytes(codec: str, extradata: bytes) -> int:
    """Bytes of the length before each unit; 0 where units begin with a start code."""
    if not extradata or extradata[0] != 1:
        return 0
    if codec == "h264" and len(extradata) > 4:
        return (extradata[4] & 3) + 1
    if codec == "hevc" and len(extradata) > 21:
        return (extradata[21] & 3) + 1
    return 0


def _start_code_units(data: bytes, num_bytes: int) -> Iterator[bytes]:
    position = data.find(b"\x00\x00\x01")
    while position >= 0 and position + 5 <= len(data):
        following = data.find(b"\x00\x00\x01", position + 3)
        end = position + 3 + num_bytes
        yield data[position + 3 : end if following < 0 else min(end, following)]
        position = following


def _recovery_frames(payload: bytes, is_signed: bool = False) -> int | None:
    """Frames until recovery of a recovery point among the messages of an SEI unit."""
    position = 0
    while position + 2 < len(payload):
        kind = size = 0
        while position < len(payload) and payload[position] == 255:
            kind, position = kind + 255, position + 1
        kind, position = kind + payload[position], position + 1
        while position < len(payload) and payload[position] == 255:
            size, position = size + 255, position + 1
        if position >= len(payload):
            return None
        size, position = size + payload[position], position + 1
        if kind == SEI_RECOVERY_POINT:
            number = Bits(payload[position : position + size]).exp_golomb()
            return (number + 1) // 2 if is_signed else number
        position += size
    return None


def _mpeg_picture(data: bytes, *, is_mpeg4: bool) -> str:
    """Kind of the first picture of a packet: "I", "P", "B", or "" where it has none."""
    place = data.find(b"\x00\x00\x01\xb6" if is_mpeg4 else b"\x00\x00\x01\x00")
    if place < 0 or place + 6 > len(data):
        return ""
    if is_mpeg4:
        return "IPBP"[data[place + 4] >> 6]
    return {1: "I", 2: "P", 3: "B"}.get(data[place + 5] >> 3 & 7, "")


def _av1_units(data: bytes) -> set[int]:
    """Types of the units (OBUs) a packet begins with."""
    kinds, position = set(), 0
    while position < len(data):
        header = data[position]
        kinds.add(header >> 3 & 15)
        position += 2 if header & 4 else 1
        if not header & 2:  # without a size it is the last one
            break
        size = shift = 0
        while position < len(data):
            byte = data[position]
            size, shift, position = size | (byte & 127) << shift, shift + 7, position + 1
            if not byte & 128:
                break
        position += size
    return kinds
