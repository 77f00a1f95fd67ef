"""A video played again and again as one long file, without coding it anew."""

from __future__ import annotations

from pathlib import Path

import av


def loop_video(source: Path, out_path: Path, num_times: int) -> None:
    """Write the pictures of a video `num_times` after each other, times going on.

    Args:
        source: An MP4 file of one video stream, such as `write_video` makes.
        out_path: Another file.
        num_times: At least 1.
    """
    with av.open(str(out_path), "w") as made:
        kept = None
        for number in range(num_times):
            with av.open(str(source)) as given:
                stream = given.streams.video[0]
                if kept is None:
                    kept = made.add_stream_from_template(stream)
                shift = number * (stream.duration or 0)
                for packet in given.demux(stream):
                    if packet.dts is None or packet.pts is None:
                        continue  # the last one of a file is empty
                    packet.pts += shift
                    packet.dts += shift
                    packet.stream = kept
                    made.mux(packet)
