"""`python -m vidmem.data.barn FILE.mp4`: draw the bundled sample again, labels beside it."""

from __future__ import annotations

import argparse

from vidmem.data.barn.behaviour import BarnConfig
from vidmem.data.barn.writing import write_video

SAMPLE = BarnConfig(minutes=1, seed=76618, pace=20, light_seconds=28)
"""A minute with a meal, day and night, a nursing, and a rest that the meal decides."""

SAMPLE_QUALITY = 24


def main() -> None:
    """Write the sample to the path on the command line."""
    parser = argparse.ArgumentParser(prog="python -m vidmem.data.barn", description=__doc__)
    parser.add_argument("path", help="the MP4 file to write, for example assets/barn-sample.mp4")
    write_video(SAMPLE, parser.parse_args().path, quality=SAMPLE_QUALITY)


if __name__ == "__main__":
    main()
