"""What the Masks page asks for, without a page."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.explain.mask_catalogue import MASKS, catalogue
from app.explain.model_masks import model_masks
from app.pages.api import answer_json
from app.pages.masks import views as masks
from app.pages.masks.routes import add_mask_routes, plotly_script
from tests.app.fakes import FakeModel
from tests.app.tiny_spool import make_tiny_spool
from tests.conftest import make_tiny_model
from tests.models.features.tiny import tiny_spool
from vidmem.errors import SettingError
from vidmem.figures import ThemeName
from vidmem.streaming import StreamSettings


def drawn(query: dict[str, str], theme: ThemeName = "light") -> dict:
    """What the page gets."""
    return json.loads(answer_json(masks.figures(query, theme)))


def first_numbers(name: str, **changes: object) -> dict[str, str]:
    """What a page asks for at first, as it comes in an address."""
    fields = next(one["fields"] for one in catalogue() if one["name"] == name)
    query = {"mask": name, **{field["name"]: field["start"] for field in fields}, **changes}
    return {key: str(value) for key, value in query.items()}


@pytest.mark.parametrize("name", MASKS)
def test_every_mask_of_the_catalogue_is_drawn_counted_and_explained(name):
    answer = drawn(first_numbers(name))
    said = answer["texts"]
    assert said["title"] in said["summary"]
    assert dict(said["checks"])["rows that see nothing"] == "0"
    assert answer["matrix"]["data"][0]["hovertext"][0][0].startswith("<b>")
    assert answer["blocks"]["data"][0]["type"] == "heatmap"


def test_a_wider_range_lets_more_pairs_attend():
    narrow, wide = (masks.view_of(first_numbers("spool", range=reach)) for reach in (1, 5))
    assert wide.num_allowed > narrow.num_allowed
    assert wide.spec.title != narrow.spec.title


def test_dark_figures_have_a_dark_card():
    light, dark = (drawn(first_numbers("band"), theme) for theme in ("light", "dark"))
    assert light["matrix"]["layout"] != dark["matrix"]["layout"]


def test_a_head_that_is_not_there_any_more_is_the_last_one():
    answer = drawn(first_numbers("spool", lookahead=0, head=3))
    assert answer["texts"]["head"] == 1
    assert answer["texts"]["heads"] == ["head 0, lookback", "head 1, lookback"]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"mask": "none"}, "mask must be one of spool, band"),
        (first_numbers("spool", range=65), "range, in frames must be a whole number from 0 to 64"),
        (first_numbers("spool", frames="1e9"), "frames must be a whole number from 1 to 256"),
        (first_numbers("spool", head="-1"), "head must be a whole number"),
        (first_numbers("spool", lookback=0, lookahead=0), "at least one head"),
        (first_numbers("spool", context="all"), "must be one of global, local, none"),
        (first_numbers("spool", frames=256, tokens=256), "too many to draw"),
        (first_numbers("memory", l_mem=None), "from 0 to 200"),
    ],
)
def test_what_is_not_allowed_is_refused_with_what_is(query, sentence):
    with pytest.raises(SettingError, match=sentence):
        masks.figures(query, "light")


def test_rows_that_see_nothing_are_listed_as_far_as_there_is_room(monkeypatch):
    view = masks.view_of(first_numbers("band", frames=40, tokens=1))
    object.__setattr__(view, "empty_queries", tuple(range(0, 40, 2)))
    monkeypatch.setattr(masks, "view_of", lambda query: view)
    said = drawn({})["texts"]
    assert said["places"][:2] == ["frame 0", "frame 2"]
    assert (len(said["places"]), said["more_places"]) == (12, 8)


def test_both_files_hold_the_same_matrix():
    query = first_numbers("spool", head=2)
    as_json, as_npz = (masks.download(query, kind) for kind in ("json", "npz"))
    plain, arrays = json.loads(as_json.content), np.load(io.BytesIO(as_npz.content))
    assert (as_json.name, as_npz.name) == ("mask-spool.json", "mask-spool.npz")
    assert plain["numbers"]["range"] == 2
    assert plain["head_name"] == "head 2, lookahead"
    np.testing.assert_array_equal(np.array(plain["allowed"]), arrays["allowed"])
    with pytest.raises(SettingError, match="json or npz"):
        masks.download(query, "exe")


def offers(model) -> list[dict]:
    return model_masks(model, StreamSettings.for_model(model))["masks"]


def test_spools_own_mask_has_its_heads_and_its_range():
    model = make_tiny_spool()
    settings = StreamSettings.for_model(model, local_frame_range=6)
    few, whole = model_masks(model, settings)["masks"]
    assert (few["mask"], whole["mask"]) == ("spool", "spool")
    assert whole["values"]["range"] == few["values"]["range"] == 6
    assert (whole["values"]["frames"], whole["values"]["tokens"]) == (16, 4)
    assert (whole["values"]["lookback"], whole["values"]["lookahead"]) == (2, 2)


def test_a_spool_on_features_has_the_frames_that_it_sees():
    few, whole = offers(tiny_spool())
    assert (whole["values"]["frames"], whole["values"]["tokens"]) == (8, 4)
    assert few["values"]["frames"] == 8


def test_fam_swins_own_masks_are_its_memory_and_its_windows():
    shown = offers(make_tiny_model(l_mem=4, memory_every=2))
    assert [one["mask"] for one in shown] == ["history", "memory", *["windows"] * 4]
    assert shown[0]["values"]["l_mem"] == 4
    assert shown[0]["values"]["every"] == 2
    sizes = [[one["values"][f"size_{axis}"] for axis in ("time", "rows")] for one in shown[2:]]
    assert sizes == [[4, 8], [4, 4], [4, 2], [4, 1]]


def test_the_models_own_masks_can_be_drawn():
    for model in (make_tiny_model(), make_tiny_spool()):
        for offer in offers(model):
            given = {key: 3 if value is None else value for key, value in offer["values"].items()}
            query = first_numbers(offer["mask"], **given)
            assert drawn(query)["texts"]["checks"]


def test_a_model_without_a_mask_of_its_own_offers_none():
    assert offers(FakeModel()) == []


def test_plotlys_script_comes_with_the_package():
    assert plotly_script().stat().st_size > 10**6


# A saved mask


@pytest.fixture
def client():
    api = FastAPI()
    add_mask_routes(api)
    return TestClient(api)


def npy(mask: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, mask)
    return file.getvalue()


def send(client, first: bytes, second: bytes = b"", name="a.npy", **changes: object) -> dict:
    """What the page gets for one file, or for two behind each other."""
    fields = {field["name"]: field["start"] for field in client.get("/masks/saved/fields").json()}
    query = {"name": name, "bytes": len(first), "head": 0, "other": "b.npy", **fields, **changes}
    answer = client.post("/masks/saved/figures", params=query, content=first + second)
    assert answer.status_code in (200, 400), answer.text
    return answer.json()


CAUSAL = np.tril(np.ones((12, 12), bool))


def test_a_saved_mask_is_drawn_checked_and_compared(client):
    wrong = CAUSAL.copy()
    wrong[3, 7] = True
    answer = send(client, npy(wrong), npy(CAUSAL), future="none", block=8)
    (finding,) = answer["findings"]
    assert finding["words"].startswith("row 3 sees key 7, 4 ahead")
    assert finding["is_mistake"]
    assert "a.npy and b.npy disagree on 1 of 144 pairs, in row 3" in answer["diff"]
    assert "only in the first" in answer["matrix"]["layout"]["title"]["subtitle"]["text"]
    assert answer["texts"]["title"] == f"a.npy, mask, 12 {masks.TIMES} 12 tokens"
    alone = send(client, npy(CAUSAL), future="none", window="held", back=11)
    assert (alone["findings"], alone["diff"]) == ([], "")


def test_a_head_or_row_of_the_mask_before_is_the_last_one_of_this(client):
    heads = np.stack([CAUSAL, ~CAUSAL])[None]
    answer = send(client, npy(heads), head=9, row=3)
    assert answer["texts"]["head"] == 1
    assert answer["texts"]["heads"] == ["head 0", "head 1"]


@pytest.mark.parametrize(
    ("first", "second", "changes", "sentence"),
    [
        (b"print('run')", b"", {"name": "a.py"}, "ends in .npy, .pt, .safetensors, got a.py"),
        (b"no table", b"", {}, "a.npy is no .npy file"),
        (npy(np.ones((3, 3))), b"", {}, "must be boolean, got float64"),
        (npy(CAUSAL), npy(CAUSAL[:5]), {}, "the mask is of 5 queries, 12 keys, and is asked"),
        (npy(np.ones((4, 1025, 1024), bool)), b"", {}, "are looked over here"),
        (npy(CAUSAL), b"", {"bytes": 0}, "bytes must be the length"),
        (npy(CAUSAL), b"", {"back": 5000}, "must be a whole number from 0 to 4,096"),
        (npy(np.ones((1, 4000), bool)), b"", {"block": 8}, "block_tokens must be at least 16"),
    ],
)
def test_a_file_that_cannot_be_shown_is_refused_in_a_sentence(
    client, first, second, changes, sentence
):
    assert sentence in send(client, first, second, **changes)["error"]
