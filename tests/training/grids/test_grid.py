"""What a grid's file says is what is run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.training.grids.small import BASE
from vidmem.errors import SettingError
from vidmem.training.grids.grid import grid_from, merged, read_grid, run_digest

FILE = """
title = "Heads"
seeds = [3, 5]
scores = ["past"]
base = "base.toml"

[[rows]]
name = "gru"

[[rows]]
name = "spool"
model = { kind = "spool", num_layers = 1 }

[grid]
task.sequence.noise = [0.1, 0.2]
optimizer.batch = [2, 4]
"""
BASE_FILE = """
name = "small"
model.kind = "gru"
model.hidden = 4
optimizer = { steps = 2, batch = 3 }
[task]
kind = "four-questions"
sequence = { num_frames = 16, reach = 2, apart = 4 }
"""


def test_rows_and_lists_of_values_make_all_combinations(tmp_path):
    (tmp_path / "base.toml").write_text(BASE_FILE)
    (tmp_path / "grid.toml").write_text(FILE)
    grid = read_grid(tmp_path / "grid.toml")
    assert (grid.title, grid.scores, grid.num_runs) == ("Heads", ("past",), 16)
    assert [row.name for row in grid.rows] == [
        f"{model}, noise {noise}, batch {batch}"
        for model in ("gru", "spool")
        for noise in ("0.1", "0.2")
        for batch in (2, 4)
    ]
    row = grid.rows[5]
    assert [config.seed for config in row.configs] == [3, 5]
    config = row.configs[0]
    assert (config.model_kind.name, config.model.num_layers) == ("spool", 1)
    assert (config.task.sequence.noise, config.task.sequence.num_frames) == (0.1, 16)
    assert (config.optimizer.batch, config.optimizer.steps) == (4, 2)


def test_a_table_of_another_kind_begins_anew_and_others_are_changed_inside():
    base = {"model": {"kind": "gru", "hidden": 4}, "task": {"sequence": {"a": 1, "b": 2}}}
    assert merged(base, {"model": {"kind": "spool"}})["model"] == {"kind": "spool"}
    assert merged(base, {"model": {"hidden": 8}})["model"] == {"kind": "gru", "hidden": 8}
    assert merged(base, {"task": {"sequence": {"a": 3}}})["task"] == {"sequence": {"a": 3, "b": 2}}
    assert base["task"] == {"sequence": {"a": 1, "b": 2}}


def test_a_value_may_be_a_list_itself():
    grid = grid_from(
        {"title": "t", "grid": {"task": {"asked": [["past"], ["past", "order"]]}}}, BASE
    )
    assert [row.name for row in grid.rows] == ["asked past", "asked past and order"]
    assert grid.rows[1].configs[0].task.asked == ("past", "order")


def test_one_config_has_one_digest_and_each_other_one_another():
    (row,) = grid_from({"title": "t", "rows": [{"name": "a"}], "seeds": [0, 1]}, BASE).rows
    (same,) = grid_from({"title": "other", "rows": [{"name": "b"}]}, BASE).rows
    first, second = map(run_digest, row.configs)
    assert run_digest(same.configs[0]) == first != second
    changed = replace(row.configs[0], optimizer=replace(row.configs[0].optimizer, steps=3))
    assert run_digest(changed) not in {first, second}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "needs .*rows.* or .*grid"),
        ({"rows": []}, "rows must be tables"),
        ({"rows": [{"model": {}}]}, "each with a name"),
        ({"rows": [{"name": "a"}, {"name": "a"}]}, "two rows are called 'a'"),
        ({"rows": [{"name": "a"}], "seeds": []}, "seeds must be some"),
        ({"rows": [{"name": "a"}], "seeds": [1, 1]}, "seeds must be some"),
        ({"rows": [{"name": "a"}], "sedes": [1]}, "unknown field 'sedes'"),
        ({"grid": {"model": {"hidden": 4}}}, r"grid\.model\.hidden must be a list"),
        ({"grid": {"model": {"hidden": []}}}, r"grid\.model\.hidden must be a list"),
        ({"grid": {"seed": list(range(101)), "optimizer": {"steps": list(range(100))}}}, "at most"),
        ({"rows": [{"name": "a", "model": {"hiden": 4}}]}, "row 'a': .*model.hiden"),
        ({"rows": [{"name": "a", "task": {"kind": "none"}}]}, "row 'a': .*task.kind"),
    ],
)
def test_what_is_wrong_with_a_grid_is_said(values, message):
    with pytest.raises(SettingError, match=message):
        grid_from({"title": "t", **values}, BASE)


def test_a_grid_without_a_base_or_a_file_is_refused(tmp_path):
    with pytest.raises(SettingError, match="needs base"):
        grid_from({"title": "t", "rows": [{"name": "a"}]}, None)
    with pytest.raises(SettingError, match=r"none\.toml cannot be read"):
        read_grid(tmp_path / "none.toml")
