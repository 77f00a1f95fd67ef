import torch

from vidmem import doctor
from vidmem.models import EncoderListing
from vidmem.video.protections import Protection


def said_of_attention():
    return [finding for finding in doctor.examine() if finding.topic == "attention"]


def test_it_says_what_computes_the_attention_of_each_model():
    texts = [finding.text for finding in said_of_attention() if " cpu" in finding.text]
    assert any(text.startswith("FAM Swin: sdpa") for text in texts)
    assert any(text.startswith("Spool: sdpa") for text in texts)


def test_what_was_not_measured_on_a_gpu_is_said_to_be(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(doctor, "find_spec", lambda name: object())
    on_cuda = [finding for finding in said_of_attention() if "cuda" in finding.text.lower()]
    assert [finding.text.split(",")[0] for finding in on_cuda] == [
        "FAM Swin: sdpa",
        "FAM Swin: sdpa",
        "Spool: flex",
    ]
    assert all("not measured on GPU" in finding.text for finding in on_cuda)
    assert all(finding.condition == "ok" for finding in on_cuda)


def test_a_gpu_without_triton_cannot_compile(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(doctor, "find_spec", lambda name: None)
    found = next(finding for finding in said_of_attention() if "flex" in finding.text)
    assert found.condition == "optional"
    assert "pip install triton" in found.remedy


def test_it_tries_what_a_decoder_is_kept_from(monkeypatch):
    tried = [
        Protection(name="files", text="opens no file but its video", holds=True, needs="Landlock"),
        Protection(name="network", text="connects to nothing", holds=False, needs="seccomp"),
    ]
    monkeypatch.setattr(doctor, "try_protections", lambda: tried)
    held, missing = (one for one in doctor.examine() if one.topic == "decoders")
    assert (held.condition, held.text) == ("ok", "a decoder opens no file but its video")
    assert missing.condition == "optional"
    assert missing.text == "not here: that a decoder connects to nothing"
    assert missing.remedy.startswith("seccomp")
    assert doctor.is_healthy([held, missing])


def test_it_says_in_one_line_which_image_encoders_are_here(monkeypatch):
    listed = [
        EncoderListing("lite2", True, ""),
        EncoderListing("someone/large", False, "is fetched"),
    ]
    monkeypatch.setattr(doctor, "list_encoders", lambda: listed)
    (found,) = (one for one in doctor.examine() if one.topic == "encoders")
    assert found.text == "image encoders here: lite2; not here: someone/large"
    assert found.condition == "ok"
    monkeypatch.setattr(doctor, "list_encoders", lambda: listed[1:])
    (found,) = (one for one in doctor.examine() if one.topic == "encoders")
    assert (found.condition, found.remedy) == ("optional", "pip install 'vidmem[teach]'")
