"""Saved masks, and files that are none or mean harm."""

from __future__ import annotations

import io
import pickle
import zipfile

import numpy as np
import pytest
import torch
from safetensors.torch import save as save_safetensors

from vidmem.errors import SettingError
from vidmem.inspection import mask_of_bytes, read_mask

MASK = torch.ones(5, 7).tril().bool()


def npy(array):
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def pt(value):
    file = io.BytesIO()
    torch.save(value, file)
    return file.getvalue()


class Harm:
    def __reduce__(self):
        return (print, ("run",))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("mask.npy", npy(MASK.numpy())),
        ("mask.npy", npy(np.asfortranarray(MASK.numpy()))),
        ("mask.NPY", npy(MASK.numpy().astype(np.int64))),
        ("mask.pt", pt(MASK)),
        ("mask.pt", pt({"mask": MASK.int()})),
        ("mask.safetensors", save_safetensors({"mask": MASK})),
    ],
)
def test_a_saved_mask_is_read(name, content, tmp_path):
    (tmp_path / name).write_bytes(content)
    mask = read_mask(tmp_path / name)
    assert mask.dtype == torch.bool
    assert torch.equal(mask, MASK)


def huge_header():
    header = b"{'descr': '|b1', 'fortran_order': False, 'shape': (1000000, 1000000), }\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header


def bomb():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", bytes(80 << 20))
    return file.getvalue()


BAD = [
    ("mask.txt", b"", r"ends in \.npy, \.pt, \.safetensors, got mask\.txt"),
    ("mask.npy", b"", "is no .npy file"),
    ("mask.npy", pickle.dumps(Harm()), "is no .npy file"),
    ("mask.npy", npy(np.array([[Harm()]], dtype=object)), "must be boolean, got object"),
    ("mask.npy", huge_header(), "cut off, or its header is wrong"),
    ("mask.npy", npy(MASK.numpy())[:-3], "cut off"),
    ("mask.npy", npy(np.ones((3, 3))), "must be boolean, got float64"),
    ("mask.npy", npy(np.full((3, 3), 3)), "0 and 1 only"),
    ("mask.npy", npy(np.ones(3, bool)), r"got \[3\]"),
    ("mask.pt", pickle.dumps(Harm()), "is no file of torch.save"),
    ("mask.pt", pt(Harm()), "cannot be read as weights only"),
    ("mask.pt", bomb(), "unpacks to 83,886,080 bytes"),
    ("mask.pt", pt([MASK]), "must hold a tensor, got list"),
    ("mask.pt", pt({"a": MASK, "b": MASK}), "must hold one mask, got 2: a, b"),
    ("mask.pt", pt(torch.zeros(1, dtype=torch.bool).expand(1 << 20, 1 << 20)), "pairs, at most"),
    ("mask.pt", pt(MASK.to_sparse()), "sparse or quantized"),
    ("mask.safetensors", b"\xff" * 64, "is no safetensors file"),
    ("mask.safetensors", save_safetensors({"m": torch.ones(3, 3)}), "must be boolean, got torch.f"),
]


@pytest.mark.parametrize(("name", "content", "message"), BAD)
def test_a_file_that_holds_no_mask_is_refused_in_a_sentence(name, content, message, capsys):
    with pytest.raises(SettingError, match=message) as refused:
        mask_of_bytes(content, name)
    assert "\n" not in str(refused.value)
    assert capsys.readouterr().out == ""  # nothing was run


def test_a_file_may_have_so_many_bytes(tmp_path):
    with pytest.raises(SettingError, match="a mask may have 10"):
        mask_of_bytes(npy(MASK.numpy()), "mask.npy", max_bytes=10)
    with pytest.raises(SettingError, match="there is no file"):
        read_mask(tmp_path / "none.npy")
    with pytest.raises(SettingError, match="cannot be read as a mask"):
        read_mask(tmp_path)
