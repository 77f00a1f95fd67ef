"""The other Python: what it is asked and what its trouble reads like; torchvision is not here."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from vidmem.bench.peers import torchvision as bench_torchvision
from vidmem.bench.peers import torchvision_child
from vidmem.bench.peers.torchvision import Peer
from vidmem.errors import SettingError

ANSWERING = """
import sys
print('{"torch": "1", "torchvision": "2", "threads": 3}', flush=True)
for line in sys.stdin:
    print('{"seconds": 1.5, "cpu_seconds": %d}' % len(line.strip()), flush=True)
"""


@pytest.fixture
def script(tmp_path, monkeypatch):
    def write(text):
        path = tmp_path / "peer.py"
        path.write_text(text)
        monkeypatch.setattr(torchvision_child, "__file__", str(path))

    return write


def test_it_answers_clip_by_clip_and_is_ended(script):
    script(ANSWERING)
    with Peer(Path(sys.executable)) as peer:
        assert peer.facts == {"torch": "1", "torchvision": "2", "threads": 3}
        timing = peer.run("float32")
        assert (timing.seconds, timing.cpu_seconds) == (1.5, 7)
    assert peer._process.poll() is not None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("raise ImportError('no torchvision here')", "no torchvision here.*install"),
        ("print('hello', flush=True)", "hello"),
        ("import time; time.sleep(60)", "did not answer within 1 s"),
    ],
)
def test_trouble_is_said(text, told, script, monkeypatch):
    monkeypatch.setattr(bench_torchvision, "START_SECONDS", 1.0 if "sleep" in text else 60.0)
    script(text)
    with pytest.raises(SettingError, match=told), Peer(Path(sys.executable)):
        pass


def test_a_python_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(SettingError, match="cannot be started"):
        Peer(tmp_path / "python")
