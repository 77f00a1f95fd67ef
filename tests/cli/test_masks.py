"""`vidmem mask`."""

from __future__ import annotations

import json

import numpy as np
import pytest

FILE = """
import torch
from beside import WIDTH
from torch.nn.attention.flex_attention import create_block_mask

def wide(b, h, q_idx, kv_idx):
    return (q_idx >= kv_idx) & (q_idx - kv_idx <= WIDTH)

def causal(b, h, q_idx, kv_idx):
    return q_idx >= kv_idx

def blocks():
    return create_block_mask(causal, None, None, 256, 256, device="cpu")

def hides(score, b, h, q_idx, kv_idx):
    return torch.where(q_idx == 3, -torch.inf, score)
"""


@pytest.fixture
def source(tmp_path):
    (tmp_path / "beside.py").write_text("WIDTH = 4\n")
    path = tmp_path / "attention.py"
    path.write_text(FILE)
    return path


def test_a_mask_of_a_file_is_looked_over_and_a_mistake_is_the_exit_code(run, source):
    done = run("mask", f"{source}:wide", "--q", 16, "--back", 3, "--ahead", 0)
    assert done.code == 1, done.err
    assert "row 4 sees key 0, 4 back, where the window was meant to end 3" in done.out
    assert "With `q_idx - kv_idx < WIDTH` it would be as meant" in done.out
    assert "at attention.py, line 7: return (q_idx >= kv_idx)" in done.out
    right = run("mask", f"{source}:wide", "--q", 16, "--back", 4, "--causal")
    assert (right.code, right.err) == (0, "")
    assert "Nothing is wrong with it." in right.out


def test_two_masks_a_page_and_numbers_for_a_program(run, source, tmp_path):
    page = tmp_path / "mask.html"
    words = ("--diff", f"{source}:causal", "--out", page, "--json")
    done = run("mask", f"{source}:wide", "--q", 16, "--kv", 16, "--heads", 2, *words)
    assert done.code == 0, done.err
    data = json.loads(done.out)
    assert data["shape"] == [1, 2, 16, 16]
    assert data["diff"]["only_second"] == 2 * 66
    text = page.read_text()
    assert text.count('class="plotly-graph-div"') == 3
    assert "Nothing is wrong with it." in text
    assert "src=" not in text.replace('src="data:', "").split("<script")[0]


def test_a_block_mask_that_a_function_makes_and_a_score_mod(run, source):
    words = ("--causal", "--score", f"{source}:hides")
    done = run("mask", f"{source}:blocks()", *words)
    assert done.code == 1
    assert "row 3 is -inf at every key" in done.out
    documents = run("mask", f"{source}:causal", "--q", 12, "--documents", "5,7")
    assert "row 5 sees key 0, of document 0" in documents.out


def test_a_saved_mask_is_looked_over_and_nothing_is_run(run, tmp_path):
    np.save(tmp_path / "mask.npy", np.tril(np.ones((9, 9), bool)))
    done = run("mask", tmp_path / "mask.npy", "--causal", "--padding", 2)
    assert done.code == 0, done.out
    assert "row 7 is padding and attends" in done.out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["{}:wide"], "a mask_mod needs a shape"),
        (["{}:wide", "--kv", 8], "need --q"),
        (["{}", "--q", 8], "needs a name behind it"),
        (["{}:other", "--q", 8], "has no other; it has"),
        (["none.py:mask", "--q", 8], "there is no file none.py"),
        (["none.npy"], "there is no file none.npy"),
        (["{}:wide", "--q", 8, "--documents", "3,x"], "--documents must be lengths"),
        (["{}:wide", "--q", 8, "--documents", "3,4"], "documents must have shape"),
        (["{}:wide", "--q", 8, "--padding", 9], "at most the 8 keys"),
        (["{}:wide", "--q", 8, "--out", "no/such/folder.html"], "could not be written"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(run, source, words, sentence):
    done = run("mask", *(str(word).format(source) for word in words))
    assert done.code == 1
    assert sentence in done.err
    assert done.err.startswith("vidmem: ")


def test_a_file_that_fails_says_what_it_raised(run, tmp_path):
    path = tmp_path / "broken.py"
    path.write_text("1 / 0\n")
    done = run("mask", f"{path}:mask", "--q", 8)
    assert "broken.py cannot be run: ZeroDivisionError: division by zero" in done.err
