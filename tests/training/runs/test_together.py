"""Two processes learn what one does, within rounding."""

import importlib
import importlib.util
import json
import multiprocessing
import os
import socket
import sys

import pytest
import torch

from tests.training.runs.sequences import config_values, write_features
from vidmem.errors import SettingError
from vidmem.training.runs.config import config_from
from vidmem.training.runs.folder import RunFolder
from vidmem.training.runs.run import train_run
from vidmem.training.runs.together import Launched

HAS_ACCELERATE = importlib.util.find_spec("accelerate") is not None
OPTIMIZER = {"accumulate": 2, "ema": 0.9}


@pytest.fixture(autouse=True)
def no_tensorboard(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)


@pytest.fixture
def values(tmp_path):
    path = write_features(tmp_path / "tiny.npz")
    return config_values(path, "spool", model={"dropout": 0.2}, optimizer=OPTIMIZER)


def assert_alike(one, many):
    lines = [RunFolder(folder).metrics() for folder in (one, many)]
    assert [line["step"] for line in lines[0]] == [line["step"] for line in lines[1]]
    for own, other in zip(*lines, strict=True):
        assert own["loss"] == pytest.approx(other["loss"], rel=1e-5)
        assert own["valid"] == pytest.approx(other["valid"], abs=0.01)
    names = [next((folder / "checkpoints").glob("best-*")).name for folder in (one, many)]
    assert names[0] == names[1]
    own, other = (
        torch.load(folder / "checkpoints" / names[0], weights_only=True) for folder in (one, many)
    )
    torch.testing.assert_close(own, other, rtol=1e-4, atol=1e-5)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def one_of_two(rank, port, values, folder):
    os.environ |= {"WORLD_SIZE": "2", "RANK": str(rank), "LOCAL_RANK": str(rank)}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}

    def die(report):
        if report.step == 6 and not (folder / "once").exists():
            torch.distributed.barrier()
            if rank == 0:
                (folder / "once").touch()
            torch.distributed.barrier()
            raise KeyboardInterrupt

    config = config_from(values)
    for _ in range(2):  # killed after a step, and continued
        try:
            train_run(config, folder, device="cpu", on_step=die)
        except KeyboardInterrupt:
            continue
    torch.distributed.destroy_process_group()


@pytest.mark.skipif(sys.platform != "linux", reason="processes are forked")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_two_processes_learn_what_one_does(values, tmp_path):
    train_run(config_from(values), tmp_path / "one", device="cpu")
    forked, port = multiprocessing.get_context("fork"), free_port()
    arguments = [(rank, port, values, tmp_path / "two") for rank in range(2)]
    processes = [forked.Process(target=one_of_two, args=given) for given in arguments]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0]
    assert_alike(tmp_path / "one", tmp_path / "two")
    notes = json.loads((tmp_path / "two" / "run.json").read_text())
    assert [note["processes"] for note in notes] == [2, 2]  # the first process alone writes


@pytest.mark.skipif(not HAS_ACCELERATE, reason="accelerate is in the extra `train`")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_accelerate_starts_them(values, tmp_path):
    train_run(config_from(values), tmp_path / "one", device="cpu")
    # What `accelerate launch` does on GPUs: on CPUs that would want MPI, and this does not.
    launch = importlib.import_module("accelerate").debug_launcher
    launch(train_run, args=(config_from(values), tmp_path / "two"), num_processes=2)
    assert_alike(tmp_path / "one", tmp_path / "two")
    (note,) = json.loads((tmp_path / "two" / "run.json").read_text())
    assert note["processes"] == 2


def test_parts_that_cannot_be_shared_out_are_refused():
    three = object.__new__(Launched)
    three.size, three.rank = 3, 1
    assert three.own_parts(6) == [1, 4]
    with pytest.raises(SettingError, match="accumulate must be a multiple of the 3 processes"):
        three.own_parts(4)
