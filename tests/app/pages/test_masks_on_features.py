"""The masks of a FAM Swin on features: its memory, and the windows of the stages that it has."""

from __future__ import annotations

from app.explain.model_masks import model_masks
from tests.models.fam_on_features import make_tiny_fam
from vidmem.streaming import StreamSettings


def test_there_are_the_windows_of_the_last_two_stages():
    model = make_tiny_fam(has_encoder=False)
    shown = model_masks(model, StreamSettings.for_model(model))["masks"]
    assert [one["title"] for one in shown[2:]] == ["windows, stage 3", "windows, stage 4"]
    axes = [f"{name}_{axis}" for name in ("size", "window") for axis in ("time", "rows")]
    assert [[one["values"][axis] for axis in axes] for one in shown[2:]] == [
        [2, 6, 2, 4],
        [2, 3, 2, 3],
    ]
    assert shown[1]["values"]["tokens"] == 9
