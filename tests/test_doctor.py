import torch

from vidmem import doctor


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
