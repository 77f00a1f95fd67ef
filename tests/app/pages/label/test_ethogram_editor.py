"""The addresses of the ethogram editor."""

from __future__ import annotations

from app.pages.label.behaviours import routes as ethogram_routes
from tests.app.pages.label.conftest import ETHOGRAM, LYING
from vidmem.labels import PRESETS, preset


def behaviour(answer, name):
    return next(one for one in answer["behaviours"] if one["name"] == name)


def test_all_is_shown_with_how_many_bouts_there_are(page, project):
    view = page.get("/label/ethogram")
    assert [one["name"] for one in view["behaviours"]] == list(project.ethogram.names)
    assert [one["num_bouts"] for one in view["behaviours"]] == [1, 1, 1, 1]
    assert behaviour(view, "lying") == {
        "name": "lying",
        "colour": "#e69f00",
        "key": "l",
        "kind": "state",
        "axis": "posture",
        "description": "",
        "num_bouts": 1,
    }
    assert view["axes"] == ["posture", "activity"]
    offered = [(one["name"], one["num"]) for one in view["presets"]]
    assert offered == [(name, len(preset(name))) for name in PRESETS if name != "empty"]
    assert view["revision"] == project.revision


def test_every_edit_is_one_step_and_the_way_back_leads_to_what_was(page, project):
    before = project.labels.all().labels
    done = [
        page.edit("add", name=" yawning ", axis="activity", key="n", author="Zoë"),
        page.edit("rename", name="lying", new_name="lying lateral"),
        page.edit("change", name="lying lateral", colour="#123456"),
        page.edit("change", name="feeding", description="Head in the trough"),
        page.edit("change", name="feeding", axis="food"),
        page.edit("change", name="yawning", kind="point"),
        page.edit("key", name="feeding", key="f"),
        page.edit("key", name="standing", key="l", take=True),
        page.edit("move", name="yawning", to=0),
        page.edit("rename_axis", axis="posture", new_axis="Haltung"),
        page.edit("preset", preset="mouse"),
        page.edit("delete", name="feeding", num_bouts=1),
    ]
    assert all("error" not in one for one in done), done
    assert done[0]["words"] == "added the behaviour yawning"
    assert project.history.last()[-1].author == "" and done[-1]["edit"] == project.revision
    assert {one.author for one in project.history.last() if "yawning" in one.words} >= {"Zoë"}
    view = done[-1]
    assert "feeding" not in [one["name"] for one in view["behaviours"]]
    assert behaviour(view, "lying lateral")["key"] == ""
    assert behaviour(view, "lying lateral")["colour"] == "#123456"
    assert behaviour(view, "standing")["key"] == "l"
    assert view["behaviours"][0]["name"] == "yawning"
    assert view["axes"][:2] == ["activity", "Haltung"]
    assert [one["num_new"] for one in view["presets"] if one["name"] == "mouse"] == [0]
    labels = project.labels.all().labels
    assert len(labels.bouts_of(behaviour="lying lateral")) == 1
    for one in reversed(done):
        edit = project.history.next_undo
        assert edit.revision == one["edit"]
        answer = page.post("/label/ethogram/undo", edit=edit.revision)
        assert answer["words"] == f"undid: {edit.words}"
    assert project.labels.all().labels == before


REFUSALS = [
    ("rename", {"name": "lying", "new_name": "standing"}, "two behaviours have the name"),
    ("rename", {"name": "lying", "new_name": "not scored"}, "is reserved"),
    ("rename", {"name": "lying", "new_name": "x" * 101}, "at most 100 characters, got 101"),
    ("rename", {"name": "lying", "new_name": " "}, "must not be empty"),
    ("rename", {"name": "flying", "new_name": "x"}, "there is no behaviour 'flying'"),
    ("key", {"name": "feeding", "key": "l"}, "two behaviours have the key 'l'"),
    ("key", {"name": "feeding", "key": "F5"}, "one character that can be typed"),
    ("key", {"name": "feeding", "key": " "}, "one character that can be typed"),
    ("change", {"name": "lying", "colour": "red"}, "must be like #e69f00"),
    ("change", {"name": "feeding", "axis": "posture"}, "feeding, 600 to 640 s"),
    ("change", {"name": "lying", "kind": "point"}, "it has 1 bout that last"),
    ("change", {"name": "rolling", "kind": "state"}, "it has 1 bout that are instants"),
    ("change", {"name": "lying", "description": "x" * 2001}, "at most 2000 characters"),
    ("add", {"name": "lying"}, "two behaviours have the name"),
    ("delete", {"name": "lying", "num_bouts": 7}, "1 bout of lying would go, not 7"),
    ("rename_axis", {"axis": "posture", "new_axis": "activity"}, "there is an axis 'activity'"),
    ("preset", {"preset": "horse"}, "there is no preset 'horse'"),
]


def test_what_is_refused_is_a_sentence_and_nothing_is_done(page, project):
    revision = project.revision
    for edit, fields, sentence in REFUSALS:
        assert sentence in page.edit(edit, **fields)["error"], (edit, fields)
    assert project.revision == revision and project.ethogram == ETHOGRAM


def test_a_behaviour_that_changed_meanwhile_is_not_changed_unseen(page, project):
    seen = page.get("/label/ethogram")["revision"]
    project.behaviours.rename("lying", "resting")
    answer = page.post("/label/ethogram/rename", name="lying", new_name="x", revision=seen)
    assert "changed elsewhere meanwhile" in answer["error"]
    # Of another behaviour it is no reason.
    answer = page.post("/label/ethogram/key", name="feeding", key="f", revision=seen)
    assert behaviour(answer, "feeding")["key"] == "f"
    assert behaviour(answer, "resting")["key"] == "l"


def test_a_deletion_of_which_more_would_go_than_was_said_is_refused(page, project):
    answer = page.get("/label/ethogram")
    project.labels.add_bout(LYING.changed(video="pen 3.mp4", end_seconds=9))
    answer = page.post(
        "/label/ethogram/delete", name="lying", num_bouts=1, revision=answer["revision"]
    )
    assert "2 bouts of lying would go, not 1" in answer["error"]
    assert "lying" in project.ethogram


def test_only_the_edit_that_was_told_of_is_undone(page, project):
    edit = page.edit("key", name="feeding", key="f")["edit"]
    project.labels.add_bout(LYING.changed(video="pen 3.mp4", end_seconds=9))
    answer = page.post("/label/ethogram/undo", edit=edit)
    assert "others edited meanwhile" in answer["error"]
    assert project.ethogram["feeding"].key == "f"


def test_an_ethogram_does_not_grow_without_end(page, monkeypatch):
    monkeypatch.setattr(ethogram_routes, "MAX_BEHAVIOURS", 5)
    assert "error" not in page.edit("add", name="five")
    assert "at most 5 behaviours" in page.edit("add", name="six")["error"]
