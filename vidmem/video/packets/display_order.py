"""In which order stored pictures are shown, read from their headers.

Some containers say when a packet is to be decoded and not when its picture is shown, or take the
one for the other: AVI, ASF, raw streams, program streams with a time now and then. The pictures
themselves say in which order they are shown.
"""

from __future__ import annotations

from dataclasses import dataclass

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext

from vidmem.video.packets.bitstream import MPEG2_CODECS, MPEG4_CODECS, Bits, PacketReader

HEADER_BYTES = 32
SPS_BYTES = 512
NO_CHROMA_PROFILES = {66, 77, 88}
H264_SPS, H264_PPS_AHEAD = 7, 8
HEVC_SPS, HEVC_PPS = 33, 34


@dataclass(frozen=True)
class _Sequence:
    """What a sequence parameter set says of the counters in pictures' headers."""

    order_bits: int
    """Of the picture order count; 0: pictures are shown as they are stored."""

    number_bits: int = 0
    has_planes: bool = False
    is_frame_only: bool = True


class DisplayOrder:
    """Takes packets in the order stored; says in which order their pictures are shown."""

    def __init__(self, context: VideoCodecContext) -> None:
        self._reader = PacketReader(context)
        self._sequence: _Sequence | None = None
        self._picture_bits = (0, 0)  # HEVC: extra bits, and whether an output flag is there
        self._group = 0
        self._before = 0
        self._keys: list[tuple[int, int]] = []
        self._kinds: list[bool] = []
        self.is_known = self._reader.codec in {"h264", "hevc"} | MPEG4_CODECS | MPEG2_CODECS
        """Whether this codec's headers can be read."""

        self._take_parameters(_extradata_units(self._reader, bytes(context.extradata or b"")))

    def take(self, packet: av.Packet) -> None:
        """One more packet."""
        codec = self._reader.codec
        if codec in MPEG4_CODECS | MPEG2_CODECS:
            self._kinds.append(self._reader.facts(packet).is_bidirectional)
        elif codec in {"h264", "hevc"}:
            units = list(self._reader.nal_units(packet, SPS_BYTES))
            self._take_parameters(units)
            key = self._h264_key(units) if codec == "h264" else self._hevc_key(units)
            self._keys.append(key)

    def ranks(self) -> np.ndarray:
        """The place of each packet's picture in the order shown, int64 `[N]`."""
        if self._kinds:
            return _ranks_by_kind(self._kinds)
        order = sorted(range(len(self._keys)), key=self._keys.__getitem__)
        ranks = np.empty(len(order), np.int64)
        ranks[order] = np.arange(len(order))
        return ranks

    def _take_parameters(self, units: list[bytes]) -> None:
        for unit in units:
            if len(unit) < 4:
                continue
            if self._reader.codec == "h264" and unit[0] & 31 == H264_SPS:
                self._sequence = _h264_sequence(unit[1:])
            elif self._reader.codec == "hevc":
                kind = unit[0] >> 1 & 63
                if kind == HEVC_SPS:
                    self._sequence = _hevc_sequence(unit[2:])
                elif kind == HEVC_PPS:
                    self._picture_bits = _hevc_picture_bits(unit[2:])

    def _next_key(self) -> tuple[int, int]:
        """Of a picture that does not say: behind the one stored before it."""
        group, count = self._keys[-1] if self._keys else (0, 0)
        return group, count + 1

    def _h264_key(self, units: list[bytes]) -> tuple[int, int]:
        slice_ = next((u for u in units if len(u) > 1 and u[0] & 31 in (1, 2, 5)), None)
        sequence = self._sequence
        if slice_ is None or sequence is None or not sequence.order_bits:
            return self._next_key()
        bits = Bits(slice_[1:HEADER_BYTES])
        for _ in range(3):  # first macroblock, type of slice, picture parameter set
            bits.exp_golomb()
        bits.read(2 if sequence.has_planes else 0)
        bits.read(sequence.number_bits)
        if not sequence.is_frame_only and bits.read(1):
            bits.read(1)
        is_idr = slice_[0] & 31 == 5
        if is_idr:
            bits.exp_golomb()
        is_reference = slice_[0] & 0x60 != 0
        return self._key(bits.read(sequence.order_bits), is_idr, is_reference)

    def _hevc_key(self, units: list[bytes]) -> tuple[int, int]:
        slice_ = next((u for u in units if len(u) > 2 and u[0] >> 1 & 63 <= 31), None)
        sequence = self._sequence
        if slice_ is None or sequence is None:
            return self._next_key()
        kind = slice_[0] >> 1 & 63
        bits = Bits(slice_[2:HEADER_BYTES])
        bits.read(1)
        if 16 <= kind <= 23:
            bits.read(1)
        bits.exp_golomb()
        num_extra_bits, has_output_flag = self._picture_bits
        bits.read(num_extra_bits)
        bits.exp_golomb()
        bits.read(has_output_flag + (2 if sequence.has_planes else 0))
        # Neither leading pictures that are skipped nor those of higher layers are counted from.
        is_counted = slice_[1] & 7 == 1 and not (6 <= kind <= 9 or (kind < 15 and kind % 2 == 0))
        if kind in (19, 20):
            return self._key(0, True, True)
        is_broken_link = 16 <= kind <= 18
        return self._key(bits.read(sequence.order_bits), is_broken_link, is_counted)

    def _key(self, count: int, is_new_group: bool, is_counted: bool) -> tuple[int, int]:
        """The whole count, of which pictures store the low bits."""
        assert self._sequence is not None
        if is_new_group:
            self._group, self._before = self._group + 1, 0
        span = 1 << self._sequence.order_bits
        whole = self._before - self._before % span + count
        if whole - self._before >= span // 2 and not is_new_group:
            whole -= span
        elif self._before - whole > span // 2:
            whole += span
        if is_counted:
            self._before = whole
        return self._group, whole


def _ranks_by_kind(is_bidirectional: list[bool]) -> np.ndarray:
    """Where no picture is predicted from a B picture, others are shown behind the Bs after them."""
    ranks = np.arange(len(is_bidirectional))
    position = 0
    while position < len(ranks):
        end = position + 1
        while end < len(ranks) and is_bidirectional[end] and not is_bidirectional[position]:
            ranks[end] = end - 1
            end += 1
        ranks[position] = end - 1
        position = end
    return ranks


def _extradata_units(reader: PacketReader, data: bytes) -> list[bytes]:
    """Parameter sets of a stream's header, whichever way it packs them."""
    if not reader.length_bytes:
        return [piece.rstrip(b"\x00") for piece in data.split(b"\x00\x00\x01")[1:]]
    units: list[bytes] = []
    position = 5 if reader.codec == "h264" else 22
    num_kinds = 2 if reader.codec == "h264" else data[22] if len(data) > 22 else 0
    position += reader.codec != "h264"
    for kind in range(num_kinds):
        if reader.codec == "h264":
            count = data[position] & 31 if kind == 0 else data[position : position + 1][:1]
            count = count if isinstance(count, int) else int.from_bytes(count, "big")
            position += 1
        else:
            count, position = int.from_bytes(data[position + 1 : position + 3], "big"), position + 3
        for _ in range(count):
            size = int.from_bytes(data[position : position + 2], "big")
            units.append(data[position + 2 : position + 2 + size])
            position += 2 + size
    return units


def _h264_sequence(data: bytes) -> _Sequence:
    bits = Bits(data)
    profile = bits.read(8)
    bits.read(16)
    bits.exp_golomb()
    has_planes = False
    if profile not in NO_CHROMA_PROFILES:
        chroma = bits.exp_golomb()
        has_planes = chroma == 3 and bits.read(1) == 1
        bits.exp_golomb()
        bits.exp_golomb()
        bits.read(1)
        if bits.read(1):
            _skip_scaling(bits, 12 if chroma == 3 else 8)
    number_bits = bits.exp_golomb() + 4
    kind = bits.exp_golomb()
    order_bits = bits.exp_golomb() + 4 if kind == 0 else 0
    if kind == 1:  # by a cycle that hardly any encoder writes
        return _Sequence(0)
    bits.exp_golomb()
    bits.read(1)
    bits.exp_golomb()
    bits.exp_golomb()
    return _Sequence(min(order_bits, 16), number_bits, has_planes, bits.read(1) == 1)


def _skip_scaling(bits: Bits, num_lists: int) -> None:
    for index in range(num_lists):
        if not bits.read(1):
            continue
        last = following = 8
        for _ in range(16 if index < 6 else 64):
            if following:
                number = bits.exp_golomb()
                following = (last + ((number + 1) // 2 if number % 2 else -number // 2)) % 256
            last = following or last


def _hevc_sequence(data: bytes) -> _Sequence | None:
    bits = Bits(data)
    bits.read(4)
    num_sub_layers = bits.read(3)
    bits.read(1 + 88 + 8)
    flags = [(bits.read(1), bits.read(1)) for _ in range(num_sub_layers)]
    if num_sub_layers:
        bits.read(2 * (8 - num_sub_layers))
    for has_profile, has_level in flags:
        bits.read(88 * has_profile + 8 * has_level)
    bits.exp_golomb()
    has_planes = bits.exp_golomb() == 3 and bits.read(1) == 1
    bits.exp_golomb()
    bits.exp_golomb()
    if bits.read(1):
        for _ in range(4):
            bits.exp_golomb()
    bits.exp_golomb()
    bits.exp_golomb()
    return _Sequence(min(bits.exp_golomb() + 4, 16), has_planes=has_planes)


def _hevc_picture_bits(data: bytes) -> tuple[int, int]:
    bits = Bits(data)
    bits.exp_golomb()
    bits.exp_golomb()
    bits.read(1)
    has_output_flag = bits.read(1)
    return bits.read(3), has_output_flag
