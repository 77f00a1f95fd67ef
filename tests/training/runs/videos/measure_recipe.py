"""What the Kinetics recipe costs here: ten steps on a miniature, at its full size, and by parts.

    python -m tests.training.runs.videos.measure_recipe [--steps 10]

The batch is one clip on one thread, in float32: what it says of a GPU is the number of operations.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch

from tests.data.footage import write_pen
from tests.data.manifest.miniatures import kinetics
from tests.teaching.measuring import say
from vidmem.training.runs.config import config_from, read_toml
from vidmem.training.runs.evaluating import evaluate_run
from vidmem.training.runs.run import train_run
from vidmem.training.runs.videos.reading import ClipReader, View

RECIPE = Path(__file__).resolve().parents[4] / "docs" / "recipes" / "kinetics400-clips.toml"


def main() -> None:
    """Print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=10)
    steps = parser.parse_args().steps
    torch.set_num_threads(1)
    root = Path(tempfile.mkdtemp(prefix="recipe-"))
    # As Kinetics is often kept: 10 s, the shorter side of 256 pixels.
    data = kinetics(
        root / "kinetics400", write_pen(root / "pen.mp4", 10, width=340, height=256, fps=12)
    )
    values = read_toml(RECIPE)
    values["task"] |= {"path": str(data), "test_clips": 1, "test_crops": 1, "workers": 1}
    values["optimizer"] |= {"steps": steps, "batch": 1, "accumulate": 1, "precision": "float32"}
    values["optimizer"]["warmup_steps"] = steps // 2
    config = config_from(values)
    say(f"a clip read and decoded: {read_seconds(config):.3f} s, the median of 6")
    started = time.monotonic()

    def show(report) -> None:
        say(f"step {report.step + 1}: loss {report.loss:.4f}, {time.monotonic() - started:.0f} s")

    say(train_run(config, root / "run", device="cpu", on_step=show))
    cost = evaluate_run(root / "run", batch=1, device="cpu").efficiency
    say(f"{cost.parameters:,} parameters, {cost.flops / 1e9:.1f} x 10^9 FLOPs forward a clip")
    say(f"{cost.latency_seconds:.2f} s forward a clip, {cost.threads} thread")
    say(f"in {root}")


def read_seconds(config) -> float:
    """Seconds to read a clip of the recipe, its decoder's start included."""
    task = config.task_kind.make(config.task)
    reader, sample = ClipReader(config.task), task.splits.train.samples[0]
    reader.pixels(sample, View(0.5, 0.5))
    seconds = []
    for number in range(6):
        started = time.perf_counter()
        reader.pixels(sample, View(number / 6, 0.5))
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


if __name__ == "__main__":
    main()
