"""kill -9 of a process that writes: what it said is saved, and is there."""

from __future__ import annotations

import contextlib
import random
import sqlite3
import subprocess
import sys
import time

import pytest

from vidmem.errors import ProjectError
from vidmem.projects import Project

WRITER = """
import sys, time
from vidmem.labels import Bout
from vidmem.projects import Project

folder, pause_seconds = sys.argv[1], float(sys.argv[2])
project = Project.open(folder)
number = len(project.labels.of("a.mp4").labels.bouts)
print("ready", flush=True)
while True:
    bout = Bout("a.mp4", number, number + 0.5, "lying", comment=str(number))
    project.labels.add_bout(bout)
    print(number, flush=True)
    number += 1
    time.sleep(pause_seconds)
"""

RUNNER = """
import sys, time
from vidmem.projects import Project

project = Project.open(sys.argv[1])
run = project.runs.create(model="spool-nano", video="a.mp4")
project.runs.update(run.run_id, progress_seconds=12.5)
print(run.run_id, flush=True)
time.sleep(600)
"""


def start(code, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, text=True
    )


def test_nothing_but_the_last_edit_is_lost(project):
    draw = random.Random(3)
    num_known = 0
    for pause_seconds in (0.2, 0.0, 0.0, 0.0):
        with start(WRITER, project.folder, pause_seconds) as child:
            assert child.stdout.readline() == "ready\n"
            said = [int(child.stdout.readline()) for _ in range(2)]
            time.sleep(draw.uniform(0.0, 0.1))
            child.kill()
            # A line that was cut off was not said.
            said += [int(line) for line in child.stdout if line.endswith("\n")]
        num_known = max([num_known, *(number + 1 for number in said)])
        # Beside the project that is open here, and in a look of its own at the file.
        bouts = project.labels.of("a.mp4").labels.bouts
        assert [one.comment for one in bouts] == [str(n) for n in range(len(bouts))]
        assert num_known <= len(bouts) <= num_known + 1
        num_known = len(bouts)
        with contextlib.closing(sqlite3.connect(project.folder / "project.db")) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert num_known > 4
    for _ in range(num_known):  # each has its undo
        project.undo()
    assert project.labels.of("a.mp4").labels.bouts == ()


def test_a_run_of_a_killed_process_is_offered_again(project):
    with start(RUNNER, project.folder) as child:
        run_id = child.stdout.readline().strip()
        assert project.interrupted_runs() == ()
        with pytest.raises(ProjectError, match="running already, in another process"):
            project.runs.resume(run_id)
        with pytest.raises(ProjectError, match="is running; stop it"):
            project.runs.delete(run_id)
        child.kill()
    (run,) = project.interrupted_runs()
    assert (run.run_id, run.state, run.progress_seconds) == (run_id, "interrupted", 12.5)
    assert project.runs.resume(run_id).state == "running"
    assert project.interrupted_runs() == ()
    project.runs.finish(run_id, "finished", progress_seconds=60)
    assert Project.open(project.folder).runs[run_id].progress_seconds == 60
