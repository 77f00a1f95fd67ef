"""Killed in every stage: what is on the disk stays whole, and teaching goes on or has ended.

    python -m tests.teaching.kill_teaching [--rounds 20] [--seed 0]

starts the app on a project of its own with 48 s of a drawn barn, and in each round kills the app,
or only the process that teaches, at a random moment of encoding, learning, scoring, or while edits
and blind checks of a review are saved. Then it looks at all that is kept, has an app go on, and
looks again. It prints a line for each round; if anything was lost or damaged, its status is 1.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import psutil

from tests.app.serving.test_served import start, wait_until_started
from tests.app.serving.visitor import SECONDS
from tests.data.footage import write_pen
from tests.labels.predictions import steps, write_predictions
from tests.teaching.measuring import say
from tests.teaching.whole import Inspector
from vidmem.labels import Behaviour, Bout
from vidmem.projects import Project, VideoFacts

PATIENCE_SECONDS = 400.0
LOOK_SECONDS = 0.05
"""Between two looks; each takes time that teaching, which gives way to all, could use."""

VIDEO_SECONDS, VIDEO_FPS = 48, 8
LABELLED_SECONDS, BOUT_SECONDS = 40, 2.0
POSTURES, ACTIVITIES = ("lying", "standing"), ("eating", "resting")
STAGES = {"encoding": "features", "learning": "model", "scoring": "scores"}
"""Stages of teaching, and what the app calls them."""

LAST_STAGE, REVIEWING = "scoring", "reviewing"
SPAN_SECONDS, STEP_SECONDS = 0.05, 0.08
"""Of what one edit of a review labels, and from one to the next."""

TOLD = ("ended from outside", "It was begun 3 times")
"""In the sentences of a job that does not go on by itself."""

FPS = 2.0
LATEST_SHARE = 0.5
"""Of the time that a stage took undisturbed: later, it might be over."""


@dataclass(frozen=True)
class Round:
    """What is killed when."""

    number: int
    stage: str
    is_app: bool
    """Or only the process that teaches."""

    @property
    def name(self) -> str:
        """Of the model that is taught in it."""
        return f"round {self.number}"


def plan(num_rounds: int) -> list[Round]:
    """All stages in turn, of each first the app, then the process that teaches."""
    stages = [*STAGES, REVIEWING]
    return [
        Round(at + 1, stage := stages[at % len(stages)], stage == REVIEWING or not at // 4 % 2)
        for at in range(num_rounds)
    ]


@dataclass
class Outcome:
    """What came of a round."""

    killed_at: str
    went_on: str
    trouble: list[str] = field(default_factory=list)


class App:
    """The app on a folder, in a process of its own.

    Args:
        folder: With its project, videos, and what it keeps elsewhere.
    """

    def __init__(self, folder: Path) -> None:
        self._popen, port = start(folder)
        wait_until_started(folder, self._popen)
        self.client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}", timeout=SECONDS, trust_env=False
        )

    def get(self, address: str, **query: Any) -> dict[str, Any]:
        """What a script of a page asks for."""
        while (answer := self.client.get(address, params=query)).status_code == 202:
            time.sleep(LOOK_SECONDS)
        return answer.raise_for_status().json()

    def post(self, address: str, **values: Any) -> dict[str, Any]:
        """What a script of a page has done."""
        return self.client.post(address, json=values).raise_for_status().json()

    def job(self, job_id: str) -> dict[str, Any]:
        """A job as the Teach page is told of it."""
        return next(one for one in self.get("/teach/state")["jobs"] if one["id"] == job_id)

    def teacher(self) -> psutil.Process:
        """The process that teaches."""
        children = psutil.Process(self._popen.pid).children()
        return next(one for one in children if "app.teaching.child" in " ".join(one.cmdline()))

    def kill(self) -> list[int]:
        """Kill -9; returns the processes of its own that did not end with it."""
        children = psutil.Process(self._popen.pid).children(recursive=True)
        self._popen.send_signal(signal.SIGKILL)
        self._popen.wait(SECONDS)
        self.client.close()
        return [one.pid for one in psutil.wait_procs(children, SECONDS)[1]]

    def stop(self) -> None:
        """As Ctrl-C does."""
        self.client.close()
        self._popen.terminate()
        self._popen.wait(SECONDS)


class Reviewer(threading.Thread):
    """One at the Review page who never rests: blind checks and edits, until the app is gone."""

    def __init__(self, app: App, video: str, run: str, first: int) -> None:
        super().__init__(daemon=True)
        self._app, self._video, self._run_id = app, video, run
        self._next = first
        self.sent: list[int] = []
        self.saved: list[int] = []
        self.trouble: list[str] = []

    def run(self) -> None:
        """Send one after the other."""
        revision = self._app.get("/label/labels", video=self._video)["revision"]
        try:
            while span_of(self._next)[1] < VIDEO_SECONDS:
                number, self._next = self._next, self._next + 1
                self.sent.append(number)
                revision = self._save(number, revision)
                self.saved.append(number)
        except httpx.TransportError:
            return  # it was killed
        except (httpx.HTTPStatusError, RefusedError) as error:
            self.trouble.append(f"an edit was refused: {error}")

    def _save(self, number: int, revision: int) -> int:
        start, end, behaviour = span_of(number)
        span = {"start": start, "end": end}
        bout = {"behaviour": behaviour, "subject": "", "author": "", "score": None, **span}
        edit: dict[str, Any] = {"id": f"edit-{number}", "do": "add"}
        if is_blind(number):
            check = {"run": self._run_id, "answer": behaviour, "id": edit["id"], **span}
            accepted(self._app.post("/review/blind/check", **check))
        else:
            edit |= {"do": "confirm", "author": ""}
            bout |= {"source": "model", "score": 0.9}
        edits = [{**edit, "bout": bout}]
        fields = {"video": self._video, "revision": revision, "author": "", "edits": edits}
        answer = self._app.post("/label/edit", **fields)
        accepted(answer["results"][0])
        return answer["revision"]


class RefusedError(Exception):
    """The app answered with a sentence."""


def accepted(answer: dict[str, Any]) -> None:
    """Raise `RefusedError` with what the app has against it."""
    if "error" in answer:
        raise RefusedError(answer["error"])


def span_of(number: int) -> tuple[float, float, str]:
    """What an edit of a review labels, and as what."""
    start = round(number * STEP_SECONDS, 3)
    at = int(start * len(ACTIVITIES) / VIDEO_SECONDS)
    return start, round(start + SPAN_SECONDS, 3), ACTIVITIES[at]


def is_blind(number: int) -> bool:
    """Whether an edit of a review is the answer of a blind check."""
    return number % 2 == 0


class Trial:
    """The rounds on one project.

    Args:
        folder: Empty; the project, the video and the app's files go there.
        rng: Draws the moments.
    """

    def __init__(self, folder: Path, rng: random.Random) -> None:
        self._folder, self._rng = folder, rng
        for name in ("tmp", "cache", "videos"):
            (folder / name).mkdir()
        self.project = folder / "project"
        self.video, self.run_id = self._make_project()
        self._labels = self._posture_bouts()
        self._inspector = Inspector(self.project)
        self._num_edits = 0
        self._sent: set[int] = set()
        self._saved: set[int] = set()
        self._typical: dict[str, float] = {}
        self._job = ""
        self.app = App(folder)

    def _make_project(self) -> tuple[str, str]:
        path = self._folder / "videos" / "pen.mp4"
        write_pen(path, VIDEO_SECONDS, width=192, height=108, fps=VIDEO_FPS)
        with Project.create(self.project) as project:
            for axis, names in (("posture", POSTURES), ("activity", ACTIVITIES)):
                for name in names:
                    project.behaviours.add(Behaviour(name, axis=axis))
            facts = VideoFacts(duration_seconds=float(VIDEO_SECONDS), fps=VIDEO_FPS)
            video = project.add_video(path, facts).name
            starts = [at * BOUT_SECONDS for at in range(int(LABELLED_SECONDS / BOUT_SECONDS))]
            bouts = [
                Bout(video, start, start + BOUT_SECONDS, POSTURES[at % 2])
                for at, start in enumerate(starts)
            ]
            project.labels.edit(video, lambda labels: labels.add(*bouts), words="labelled")
            run = project.runs.create(model="tiny", video=video, settings={})
            rows = steps(0, 1, seconds=VIDEO_SECONDS / len(ACTIVITIES))
            write_predictions(run.folder / "pen-predictions.csv", ACTIVITIES, rows)
            project.runs.finish(run.run_id, "finished")
        return video, run.run_id

    def learn_pace(self) -> None:
        """Teach once without a kill: how long each stage takes."""
        job = self._begin("undisturbed", FPS - 0.5)
        began: dict[str, float] = {}
        for row in self._watched(job):
            if key := stage_under_way(row):
                began.setdefault(key, time.monotonic())
        ends = [*began.values(), time.monotonic()][1:]
        self._typical = {key: end - began[key] for key, end in zip(began, ends, strict=True)}

    def carry_out(self, one: Round) -> Outcome:
        """One round."""
        return self._review(one) if one.stage == REVIEWING else self._teach(one)

    def _begin(self, name: str, fps: float) -> str:
        wanted = {"name": name, "fps": fps, "encoder": "lite0", "axes": '["posture"]'}
        return self.app.post("/teach/begin", baselines="0", **wanted)["id"]

    def _watched(self, job: str) -> Iterator[dict[str, Any]]:
        """A job, again and again, until it is over."""
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            row = self.app.job(job)
            yield row
            if row["state"] in ("done", "failed", "interrupted"):
                return
            time.sleep(LOOK_SECONDS)
        raise TimeoutError(f"{row['name']} was not over in {PATIENCE_SECONDS:g} s")

    def _teach(self, one: Round) -> Outcome:
        """The job of the round before is killed again in its next stage; after the last it ends."""
        job, key = self._job_for(one), STAGES[one.stage]
        delay = self._rng.uniform(0, LATEST_SHARE) * self._typical[key]
        seen = self._wait_in_stage(job, key, delay)
        trouble = [f"{pid} did not end with the app" for pid in self._kill(one)]
        trouble += self._look(is_teaching=True)
        last = self._bring_back(one, job)
        went_on = "was done" if last["state"] == "done" else "went on"
        if last["state"] in ("failed", "interrupted"):
            went_on = "was said to have ended, begun again"
            if not any(words in last["sentence"] for words in TOLD):
                trouble.append(f"the job is {last['state']} and says: {last['sentence']}")
            self.app.post("/teach/again", id=job)
        if one.stage == LAST_STAGE:
            *_, last = self._watched(job)
            if last["state"] != "done":
                trouble.append(f"in the end the job is {last['state']}: {last['sentence']}")
            trouble += self._look(is_teaching=False) + self._model_trouble(last["name"])
            went_on += ", and was done"
        return Outcome(f"{seen}, after {delay:.2f} s of it", went_on, trouble)

    def _job_for(self, one: Round) -> str:
        if one.stage == "encoding" or not self._job or self.app.job(self._job)["state"] == "done":
            # Other feature frames than before: they are not kept yet.
            self._job = self._begin(one.name, FPS + one.number / 100)
        return self._job

    def _bring_back(self, one: Round, job: str) -> dict[str, Any]:
        """An app that runs; returns what it says of the job."""
        if one.is_app:
            self.app = App(self._folder)
            return self.app.job(job)
        *_, last = self._watched(job)
        return last

    def _wait_in_stage(self, job: str, key: str, delay: float) -> str:
        """Until a stage is under way for so long; returns where the job is then."""
        until = None
        for row in self._watched(job):
            if until is None and stage_under_way(row) == key:
                until = time.monotonic() + delay
            if until is not None and time.monotonic() >= until:
                return said_of(row)
        return "over already"

    def _kill(self, one: Round) -> list[int]:
        if one.is_app:
            return self.app.kill()
        try:
            self.app.teacher().kill()
        except StopIteration:  # it has just ended
            return []
        return []

    def _look(self, *, is_teaching: bool) -> list[str]:
        found = self._inspector.damage(is_teaching=is_teaching)
        trouble = [f"{what}: {one}" for what, each in found.items() for one in each]
        if not found["labels"] and self._posture_bouts() != self._labels:
            trouble.append("labels: they are others than before")
        return trouble

    def _posture_bouts(self) -> list[Bout]:
        with Project.open(self.project) as project:
            bouts = project.labels.all().labels.bouts
        return [one for one in bouts if one.behaviour in POSTURES]

    def _model_trouble(self, name: str) -> list[str]:
        titles = [one["title"] for one in self.app.get("/teach/state")["models"]]
        return [] if titles.count(name) == 1 else [f"models: {titles.count(name)} are {name}"]

    def _review(self, one: Round) -> Outcome:
        reviewer = Reviewer(self.app, self.video, self.run_id, self._num_edits)
        reviewer.start()
        wait_for(lambda: reviewer.saved or not reviewer.is_alive())
        time.sleep(self._rng.uniform(0, 1.0))
        trouble = [f"{pid} did not end with the app" for pid in self._kill(one)]
        reviewer.join(SECONDS)
        self._num_edits = reviewer.sent[-1] + 1
        self._sent |= set(reviewer.sent)
        self._saved |= set(reviewer.saved)
        trouble += reviewer.trouble + self._look(is_teaching=False) + self._review_trouble()
        self.app = App(self._folder)
        trouble += self._review_trouble()
        saved = f"{len(reviewer.saved)} of {len(reviewer.sent)} edits had been answered"
        return Outcome(saved, "all of these are there", trouble)

    def _review_trouble(self) -> list[str]:
        """What is missing, twice or half there of the edits and blind checks of all rounds."""
        with Project.open(self.project) as project:
            bouts = [
                one for one in project.labels.all().labels.bouts if one.behaviour in ACTIVITIES
            ]
            checks = project.blind_checks.of_run(self.run_id, axis="activity")
        there = [round(one.start_seconds / STEP_SECONDS) for one in bouts]
        checked = [round(one.start_seconds / STEP_SECONDS) for one in checks]
        wrong = [
            number
            for number, one in zip(there, bouts, strict=True)
            if (one.start_seconds, one.end_seconds, one.behaviour) != span_of(number)
        ]
        found = {
            "edits are lost": self._saved - set(there),
            "edits are there that nobody made": set(there) - self._sent,
            "edits are half there": wrong,
            "edits are there twice": [one for one in there if there.count(one) > 1],
            "blind checks are without their label, or it without them": set(checked)
            ^ {one for one in there if is_blind(one)},
            "blind checks are there twice": [one for one in checked if checked.count(one) > 1],
        }
        return [f"{len(each)} {what}" for what, each in found.items() if each]


def stage_under_way(row: dict[str, Any]) -> str:
    """Of a job, as the app calls it; empty: none has begun."""
    now = next((one for one in row.get("stages", ()) if one["state"] == "now"), None)
    # Before the first frame is encoded, a process is started.
    return now["key"] if now and (now["done"] or now["key"] != STAGES["encoding"]) else ""


def said_of(row: dict[str, Any]) -> str:
    """Where a job is, in words."""
    now = [one for one in row.get("stages", ()) if one["state"] == "now"]
    return f"{now[0]['title']}, {now[0]['done']:.0%}" if now else row["state"]


def wait_for(is_true: Callable[[], Any]) -> None:
    """Until something happens."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not is_true():
        if time.monotonic() > end:
            raise TimeoutError(f"it did not happen in {PATIENCE_SECONDS:g} s")
        time.sleep(LOOK_SECONDS)


def main() -> int:
    """What the command does; returns its exit status."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--rounds", type=int, default=20)
    options.add_argument("--seed", type=int, default=0)
    given = options.parse_args()
    with TemporaryDirectory(prefix="vidmem-kill-") as folder:
        trial = Trial(Path(folder), random.Random(given.seed))
        try:
            return run(trial, plan(given.rounds))
        finally:
            trial.app.stop()


def run(trial: Trial, rounds: list[Round]) -> int:
    """Carry rounds out, with a line for each; 1 if anything was lost or damaged."""
    began, num_bad = time.monotonic(), 0
    trial.learn_pace()
    say("| round | stage | killed | when | then | lost or damaged |")
    say("| --- | --- | --- | --- | --- | --- |")
    for one in rounds:
        outcome = trial.carry_out(one)
        num_bad += bool(outcome.trouble)
        killed = "app" if one.is_app else "process that teaches"
        trouble = "; ".join(outcome.trouble) or "nothing"
        cells = (one.number, one.stage, killed, outcome.killed_at, outcome.went_on, trouble)
        say(f"| {' | '.join(map(str, cells))} |")
    say(f"{len(rounds)} rounds, {num_bad} with a loss, {time.monotonic() - began:.0f} s")
    return int(num_bad > 0)


if __name__ == "__main__":
    sys.exit(main())
