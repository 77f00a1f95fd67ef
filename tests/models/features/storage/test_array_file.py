"""Arrays that are mapped: what reading them takes is given back when it is not needed."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from vidmem.models.features.storage.array_file import (
    StoredRows,
    append_rows,
    map_rows,
    release_pages,
)


def resident_bytes(path) -> int:
    """Of a mapped file, what lies in main memory."""
    entries = Path("/proc/self/smaps").read_text().split(str(path))[1:]
    assert entries, "it is not mapped"
    return sum(int(one.split("Rss:")[1].split()[0]) << 10 for one in entries)


@pytest.mark.skipif(not Path("/proc/self/smaps").is_file(), reason="needs Linux's /proc")
def test_pages_that_were_read_are_given_back_and_read_again(tmp_path):
    path, rows = tmp_path / "rows.npy", torch.randn(1000, 500)
    record = append_rows(path, StoredRows.empty_like(rows), rows)
    mapped = map_rows(path, record)
    assert mapped.sum() == rows.sum()
    assert resident_bytes(path) >= rows.nbytes / 2
    release_pages(mapped[3:5])  # a view stands for all of them
    assert resident_bytes(path) < rows.nbytes / 10
    assert torch.equal(mapped, rows)


def test_of_what_is_not_mapped_nothing_is_lost():
    rows = torch.ones(1000, 500)
    release_pages(rows)
    assert rows.sum() == 500_000
