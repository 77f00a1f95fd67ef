"""The addresses of the Label page: edits done once and in order, refused whole, and undone."""

from __future__ import annotations

import itertools
import json
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.pages.label.editing.answers import bout_answers, span_answers
from app.pages.label.editing.edits import EditFields, read_step
from app.pages.label.routes import add_coding_routes
from tests.app.pages.label.random_edits import VIDEO, random_edit
from tests.app.pages.test_scripts import node
from tests.labels.strategies import ETHOGRAM
from vidmem.errors import LabelError
from vidmem.labels import Labels
from vidmem.projects import Project
from vidmem.projects.storage.database import Database

LABEL = Path(__file__).resolve().parents[4] / "app" / "pages" / "label"


@pytest.fixture
def project(tmp_path, monkeypatch):
    # Commits that do not wait for the disk: only a power cut would tell.
    monkeypatch.setattr(Database.writing.__wrapped__, "__kwdefaults__", {"is_durable": False})
    (tmp_path / VIDEO).write_bytes(b"video")
    with Project.create(tmp_path / "project") as one:
        one.behaviours.unite(ETHOGRAM)
        one.add_video(tmp_path / VIDEO)
        yield one


class Page:
    """What a page asks, and what it knows."""

    def __init__(self, project: Project, author: str = "Zoë"):
        api = FastAPI()
        add_coding_routes(api, project)
        self.client, self.author = TestClient(api), author
        self.reload()

    def reload(self) -> dict:
        found = self.client.get("/label/labels", params={"video": VIDEO}).json()
        self.revision, self.bouts = found["revision"], found["bouts"]
        return found

    def send(self, *edits: dict, revision: int | None = None, **more) -> dict:
        """Edits made on what it knows; it knows what is answered then."""
        at = self.revision if revision is None else revision
        body = {"video": VIDEO, "revision": at, "author": self.author, "edits": edits, **more}
        answer = self.client.post("/label/edit", json=body).json()
        if "revision" in answer:
            self.revision = answer["revision"]
        return answer

    def step(self, what: str, edit: int) -> dict:
        body = {"video": VIDEO, "since": self.revision, "edit": edit, "author": self.author}
        return self.client.post(f"/label/{what}", json=body).json()


@pytest.fixture
def page(project) -> Page:
    return Page(project)


def bout(behaviour: str, start: float, end: float, **more) -> dict:
    fields = {"subject": "", "author": "Zoë", "comment": "", "source": "human", "score": None}
    return {"behaviour": behaviour, "start": start, "end": end, **fields, **more}


def shown(project: Project) -> list[str]:
    return [str(one).removesuffix(f" in {VIDEO}") for one in project.labels.of(VIDEO).labels.bouts]


def test_a_press_begins_a_state_and_ends_the_other_of_its_axis_in_one_step(project, page):
    lying, standing, feeding = (
        bout(name, start, start + 0.04)
        for name, start in (("lying", 1), ("standing", 5), ("feeding", 2))
    )
    page.send({"id": "1", "do": "begin", "bout": lying})
    page.send({"id": "2", "do": "begin", "bout": feeding})
    answer = page.send({"id": "3", "do": "begin", "bout": standing, "ends": [lying]})
    assert shown(project) == ["lying, 1 to 5 s", "feeding, 2 to 2.04 s", "standing, 5 to 5.04 s"]
    assert answer["words"] == f"began standing at 00:05.0 in {VIDEO}"
    assert answer["removed"] == [lying]
    assert [one["end"] for one in answer["added"]] == [5, 5.04]
    undone = page.step("undo", answer["undo"]["revision"])
    assert undone["added"] == [lying]
    assert undone["redo"]["words"] == answer["words"]
    assert shown(project) == ["lying, 1 to 1.04 s", "feeding, 2 to 2.04 s"]
    page.send({"id": "4", "do": "end", "bout": feeding, "at": 2})  # on the frame of its start
    assert shown(project) == ["lying, 1 to 1.04 s"]


def test_every_action_is_one_step_with_words(project, page):
    lying, rolling = bout("lying", 1, 5), bout("rolling", 3, 3, subject="sow 12")
    longer = lying | {"end": 6}
    standing = longer | {"behaviour": "standing"}
    left, right = standing | {"end": 2.5}, standing | {"start": 2.5}
    noted = standing | {"comment": "é"}
    guess = bout("feeding", 8, 9, source="model", score=0.7, author="nano")
    mark = {"do": "mark", "start": 10, "end": 12, "subject": "", "axis": ""}
    steps = [
        ({"do": "add", "bout": lying}, "added lying, 00:01 to 00:05"),
        ({"do": "add", "bout": rolling}, "added rolling of sow 12, at 00:03.0"),
        (
            {"do": "change", "old": lying, "new": longer},
            f"changed lying in {VIDEO}: 00:01 to 00:05 became 00:01 to 00:06",
        ),
        ({"do": "reclassify", "old": longer, "behaviour": "standing"}, "changed lying to standing"),
        ({"do": "split", "bout": standing, "at": 2.5}, "split standing, 00:01 to 00:06"),
        ({"do": "join", "first": left, "second": right}, "joined standing, 00:01.0 to 00:02.5"),
        ({"do": "note", "old": standing, "comment": "é"}, "noted on standing"),
        ({"do": "keep", "bouts": [noted], "at": 7}, "kept standing on up to 00:07.0"),
        ({"do": "confirm", "bout": guess, "author": "Zoë"}, "confirmed feeding, 00:08 to 00:09"),
        ({**mark, "what": "scored"}, "marked as scored: all axes, 00:10 to 00:12"),
        ({**mark, "what": "not scored", "axis": "posture"}, "marked as not scored: posture"),
        ({**mark, "what": "nothing"}, "took away the mark of all axes"),
        ({"do": "remove", "bouts": [noted | {"end": 7}, rolling]}, "removed 2 bouts"),
    ]
    for number, (edit, words) in enumerate(steps):
        answer = page.send({"id": str(number), **edit})
        assert answer["results"] == [{"id": str(number)}], edit
        assert answer["words"].startswith(words)
        assert answer["undo"]["words"] == answer["words"]
    (confirmed,) = project.labels.of(VIDEO).labels.bouts
    assert (confirmed.author, confirmed.source, confirmed.score) == ("Zoë", "human", 0.7)
    for _ in steps:
        page.step("undo", project.history.next_undo.revision)
    assert shown(project) == []


def test_what_is_refused_is_said_and_what_comes_after_it_is_not_done(project, page):
    lying = bout("lying", 1, 5)
    answer = page.send(
        {"id": "a", "do": "add", "bout": lying},
        {"id": "b", "do": "remove", "bouts": [bout("standing", 1, 5)]},
        {"id": "c", "do": "add", "bout": bout("feeding", 1, 5)},
    )
    assert [one["id"] for one in answer["results"]] == ["a", "b"]
    assert "there is no bout standing" in answer["results"][1]["error"]
    assert shown(project) == ["lying, 1 to 5 s"]
    for faulty in (
        {"do": "fly"},
        {"do": "add"},
        {"do": "add", "bout": bout("flying", 1, 2)},
        {"do": "add", "bout": bout("lying", 5, 1)},
        {"do": "add", "bout": lying | {"comment": "x" * 5001}},
        {"do": "add", "bout": lying | {"source": "oracle"}},
        {"do": "mark", "what": "guessed", "start": 1, "end": 2},
        {"do": "remove", "bouts": []},
        {"do": "remove", "bouts": [lying] * 201},
    ):
        (result,) = page.send({"id": "x", **faulty})["results"]
        assert result["error"], faulty
    assert "error" in page.send("no object")
    assert "error" in page.send({"do": "add", "bout": lying})  # without an id
    assert "error" in page.send(*[{"id": str(n), "do": "fly"} for n in range(101)])
    (result,) = page.send({"id": "d", "do": "add", "bout": lying}, video="no.mp4")["results"]
    assert "no video 'no.mp4'" in result["error"]
    assert shown(project) == ["lying, 1 to 5 s"]


def test_no_prediction_becomes_a_label_unless_it_is_confirmed(project, page):
    guess = bout("lying", 1, 5, source="model", score=0.9)
    page.send({"id": "a", "do": "add", "bout": guess})
    page.send({"id": "b", "do": "begin", "bout": guess | {"start": 7, "end": 8}})
    assert {one.source for one in project.labels.of(VIDEO).labels.bouts} == {"human"}


def test_what_a_person_labelled_stays_where_a_prediction_is_confirmed(project, page):
    page.send({"id": "a", "do": "add", "bout": bout("lying", 1, 5)})
    page.send({"id": "m", "do": "mark", "what": "not scored", "start": 8, "end": 9, "axis": ""})
    guess = bout("standing", 3, 10, source="model", score=0.9)
    (result,) = page.send({"id": "b", "do": "confirm", "bout": guess, "author": "Zoë"})["results"]
    assert "error" not in result
    assert shown(project) == ["lying, 1 to 5 s", "standing, 5 to 8 s", "standing, 9 to 10 s"]
    again = {"id": "c", "do": "confirm", "bout": guess, "author": "Zoë"}
    assert "is labelled already" in page.send(again)["results"][0]["error"]


def test_an_edit_that_is_sent_again_is_done_once(project, page):
    seen = page.revision
    edits = [
        {"id": "a", "do": "add", "bout": bout("lying", 1, 5)},
        {"id": "b", "do": "split", "bout": bout("lying", 1, 5), "at": 3},
        {"id": "c", "do": "add", "bout": bout("rolling", 2, 2)},
    ]
    first = page.send(*edits[:2])
    wanted = shown(project)
    # Its answer was lost, and so the page sends the same, and what was added since.
    again = page.send(*edits[:2], revision=seen)
    assert again["results"] == first["results"] == [{"id": "a"}, {"id": "b"}]
    assert shown(project) == wanted
    more = page.send(*edits, revision=seen)
    assert [one["id"] for one in more["results"]] == ["a", "b", "c"]
    assert len(more["added"]) == 3
    assert len(project.history.last()) == 4  # with the ethogram
    page.step("undo", project.history.next_undo.revision)
    page.send(edits[2], revision=seen)  # undone since: it is not done anew
    assert shown(project) == wanted


def test_whoever_edits_is_named_in_one_line_of_some_length(project):
    page = Page(project, " Zoë\n" + "x" * 500)
    page.send({"id": "a", "do": "add", "bout": bout("lying", 1, 5)})
    page.step("undo", project.history.next_undo.revision)
    names = [one.author for one in project.history.last()[:2]]
    assert names == [("Zoë\\x0a" + "x" * 500)[:100]] * 2


def test_edits_on_what_somebody_else_changed_wait_until_it_was_seen(project, page):
    other = Page(project, "Ann")
    page.send({"id": "a", "do": "add", "bout": bout("lying", 1, 5)})
    seen = other.revision
    other.send({"id": "b", "do": "add", "bout": bout("feeding", 10, 12)})
    answer = page.send(
        {"id": "c", "do": "add", "bout": bout("standing", 7, 8)},
        {"id": "d", "do": "add", "bout": bout("standing", 9, 10)},
    )
    assert [one["id"] for one in answer["results"]] == ["c"]
    assert [one["behaviour"] for one in answer["added"]] == ["standing", "feeding"]
    # What was changed behind its back is not cut away.
    over = {"do": "mark", "what": "not scored", "start": 6, "end": 9, "axis": "posture"}
    (result,) = other.send({"id": "e", **over}, revision=seen)["results"]
    assert result["is_stale"] and "was not done" in result["error"]
    (result,) = other.send({"id": "f", **over})["results"]
    assert "error" not in result
    assert "standing, 7 to 8 s" not in shown(project)


def test_two_pages_lose_no_edit_that_was_accepted(project):
    draw = random.Random(23)
    pages = [Page(project, "A"), Page(project, "B")]
    accepted, num_refused = 0, 0
    for number in range(100):
        one = draw.choice(pages)
        if draw.random() < 0.4:
            one.reload()
        found = project.labels.of(VIDEO)
        # Made on what it shows, which may be old.
        labels = labels_of(one.bouts, found.labels)
        edits = [random_edit(draw, labels, number, one.author)]
        before = project.revision
        seen = one.revision
        known = {json.dumps(bout, sort_keys=True) for bout in one.bouts}
        answer = one.send(*edits)
        (result,) = answer["results"]
        if "error" in result:
            num_refused += 1
            assert project.revision == before
        elif project.revision > before:
            accepted += 1
            (made,) = project.history.last(1)
            assert made.author == one.author
            # What it took away is what its page showed.
            gone = project.changes_since(before).videos[0].removed
            assert {json.dumps(b, sort_keys=True) for b in bout_answers(gone)} <= known, seen
        one.reload()
    assert accepted > 30 and num_refused > 10
    steps = 0
    while (step := project.history.next_undo) is not None:
        pages[0].reload()
        assert "error" not in pages[0].step("undo", step.revision)
        steps += 1
    assert steps == accepted + 1  # the ethogram
    assert shown(project) == []


def labels_of(bouts: list[dict], now: Labels) -> Labels:
    fields = [EditFields({"bout": one}, VIDEO) for one in bouts]
    return Labels(now.ethogram, tuple(one.bout() for one in fields))


def test_an_undo_that_is_sent_again_is_done_once(project, page):
    page.send({"id": "a", "do": "add", "bout": bout("lying", 1, 5)})
    answer = page.send({"id": "b", "do": "add", "bout": bout("standing", 7, 8)})
    undo = answer["undo"]["revision"]
    assert "error" not in page.step("undo", undo)
    assert "cannot be the next undo any more" in page.step("undo", undo)["error"]
    assert shown(project) == ["lying, 1 to 5 s"]
    assert "error" not in page.step("redo", undo)
    assert "cannot be the next redo any more" in page.step("redo", undo)["error"]
    assert shown(project) == ["lying, 1 to 5 s", "standing, 7 to 8 s"]


def test_a_key_that_is_held_is_one_step(project, page):
    start = bout("lying", 1, 1.04)
    page.send({"id": "a", "do": "begin", "bout": start})
    answer = page.send({"id": "b", "do": "end", "bout": start, "at": 3, "continues": "a"})
    assert answer["undo"]["words"] == f"ended lying, 00:01 to 00:03 in {VIDEO}"
    page.step("undo", answer["undo"]["revision"])
    assert shown(project) == []
    page.step("redo", project.history.next_redo.revision)
    assert shown(project) == ["lying, 1 to 3 s"]


def test_the_page_is_told_of_marks_the_ethogram_and_that_nothing_is_new(project, page):
    def news(since):
        return page.client.get("/label/changes", params={"video": VIDEO, "since": since}).json()

    at = page.revision
    assert news(at) == {
        "revision": at,
        "is_complete": True,
        "words": "",
        "removed": [],
        "added": [],
        "scored": None,
        "not_scored": None,
    }
    project.behaviours.recolour("lying", "#123456")
    assert news(at)["ethogram"][0]["colour"] == "#123456"
    assert news(at)["scored"] is None
    page.send({"id": "m", "do": "mark", "what": "scored", "start": 1, "end": 2})
    assert {one["axis"] for one in news(at)["scored"]} == set(ETHOGRAM.axes)
    assert news(at)["not_scored"] == []
    project.behaviours.rename("lying", "resting")
    assert not news(at)["is_complete"]
    found = page.reload()
    assert [one["axis"] for one in found["scored"]] == ["activity", "posture"]
    empty = page.client.get("/label/labels").json()
    assert empty["bouts"] == [] and len(empty["ethogram"]) == len(ETHOGRAM)
    assert "no video" in page.client.get("/label/labels", params={"video": "x"}).json()["error"]


# The browser draws an edit before the server has done it.

READ = """
let text = "";
for await (const piece of process.stdin) text += piece;
const given = JSON.parse(text);
"""

APPLY = """
import { applied, Refusal } from "./editing/edits.js";
const byBehaviour = new Map(given.axes);
const answers = given.steps.map(({ labels, edit }) => {
  try {
    return applied(labels, edit, byBehaviour);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return null;
  }
});
console.log(JSON.stringify(answers));
"""

DIFFER = """
import { differences } from "./timeline/differences.js";
console.log(JSON.stringify(given.map((sides) => differences(...sides))));
"""


def in_browser_code(tmp_path: Path, code: str, value: Any) -> list:
    (tmp_path / "package.json").write_text('{"type": "module"}')
    for name in ("editing/edits.js", "timeline/differences.js"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text((LABEL / name).read_text())
    script = tmp_path / "run.js"
    script.write_text(READ + code)
    given = json.dumps(value)
    command = [node(), str(script)]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_the_browser_draws_what_the_server_does(tmp_path):
    draw = random.Random(11)
    axes = [[one.name, one.axis] for one in ETHOGRAM]
    steps, wanted = [], []
    for _ in range(12):
        labels = Labels(ETHOGRAM)
        for number in range(60):
            edit = random_edit(draw, labels, number)
            steps.append({"labels": as_shown(labels), "edit": edit})
            try:
                labels = read_step(EditFields(edit, VIDEO)).operation(labels)
                wanted.append(as_shown(labels))
            except LabelError:
                wanted.append(None)
    drawn = in_browser_code(tmp_path, APPLY, {"axes": axes, "steps": steps})
    num_done = sum(one is not None for one in wanted)
    assert num_done > 400 and len(wanted) - num_done > 20
    for step, got, want in zip(steps, drawn, wanted, strict=True):
        if want is not None:  # what the server refuses is taken back when it says so
            assert in_any_order(got) == in_any_order(want), step


def test_differences_are_where_two_say_two_things(tmp_path):
    draw = random.Random(4)

    def states(names: str) -> list[dict]:
        """In order and apart; some touch."""
        edges = sorted(draw.sample(range(30), draw.choice((0, 2, 4, 8, 12))))
        pairs = zip(edges[::2], edges[1::2], strict=True)
        return [{"behaviour": draw.choice(names), "start": a, "end": b} for a, b in pairs]

    def said(spans: list[dict], second: int) -> str:
        return next((one["behaviour"] for one in spans if one["start"] <= second < one["end"]), "")

    sides = [(*map(states, ("xy", "xy", "s", "z")),) for _ in range(400)]
    found = in_browser_code(tmp_path, DIFFER, sides)
    for (mine, theirs, scored, aside), spans in zip(sides, found, strict=True):
        wanted = {
            second
            for second in range(30)
            if (said(mine, second) or said(scored, second))  # what is unlabelled does not differ
            and said(mine, second) != said(theirs, second)
            and (said(theirs, second) or not said(aside, second))  # the model spoke of another axis
        }
        assert {s for start, end in spans for s in range(start, end)} == wanted
        assert all(
            one[1] < other[0] for one, other in itertools.pairwise(spans)
        )  # as long as can be
    assert sum(map(len, found)) > 300


def as_shown(labels: Labels) -> dict:
    return {
        "bouts": bout_answers(labels.bouts),
        "scored": span_answers(labels.scored),
        "notScored": span_answers(labels.not_scored),
    }


def in_any_order(shown: dict) -> dict:
    """To a microsecond, and of what is the same in each form: numbers whole or not."""

    def plain(one: dict) -> str:
        rounded = {k: round(v, 6) + 0.0 if k in ("start", "end") else v for k, v in one.items()}
        return json.dumps(rounded, sort_keys=True)

    return {name: sorted(map(plain, values)) for name, values in shown.items()}
