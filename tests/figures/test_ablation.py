"""The picture of an ablation."""

from __future__ import annotations

import pytest

from vidmem.evaluation.ablation import AblationRow, AblationTable
from vidmem.figures.ablation import ablation_figure

pytest.importorskip("plotly")

TABLE = AblationTable(
    title="Recall",
    rows=(
        AblationRow(
            name="on",
            scores=(
                {"all": 0.9, "recall_1": 1.0, "recall_16": 0.8},
                {"all": 0.8, "recall_1": 1.0, "recall_16": 0.6},
            ),
        ),
        AblationRow(name="<off>", scores=({"all": 0.4, "recall_1": 0.25, "recall_16": 0.25},)),
        AblationRow(name="failed", scores=(), failures=("seed 0: no",)),
    ),
)


def test_numbered_scores_are_curves_with_whiskers_of_seeds():
    figure = ablation_figure(TABLE, curve="recall_", curve_title="clips since the cue")
    curves = [trace for trace in figure.data if trace.x]
    assert [trace.name for trace in curves] == ["on", "<off>"]
    assert list(curves[0].x) == [1, 16]
    assert list(curves[0].y) == pytest.approx([1.0, 0.7])
    assert curves[0].error_y.array[1] == pytest.approx(12.706 * 0.1)
    assert list(curves[1].error_y.array) == [0, 0]
    assert figure.layout.xaxis.title.text == "clips since the cue"


def test_other_scores_are_points_beside_the_name_of_their_row():
    figure = ablation_figure(TABLE)
    assert [trace.name for trace in figure.data] == ["all", "recall_1", "recall_16"]
    assert list(figure.layout.yaxis.ticktext) == ["on", "&lt;off&gt;", "failed"]
    assert list(figure.data[0].x) == pytest.approx([0.85, 0.4])
    assert [round(place) for place in figure.data[0].y] == [0, 1]


def test_a_grid_that_failed_altogether_says_so():
    failed = AblationTable(title="t", rows=TABLE.rows[2:])
    assert "No run ended well." in ablation_figure(failed).layout.annotations[0].text
