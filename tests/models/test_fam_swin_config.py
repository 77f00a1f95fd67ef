import pytest

from vidmem.errors import SettingError
from vidmem.models import FamSwinConfig, MemoryConfig


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"l_mem": -1}, "at least 0 clips"),
        ({"tokens_per_clip": 0}, "at least 1"),
        ({"memory_every": 0}, "at least 1 clip"),
        ({"anchors": -1}, "at least 0 clips"),
        ({"stages": (4, 3)}, "in order"),
    ],
)
def test_impossible_memory_is_refused(options, message):
    with pytest.raises(SettingError, match=message):
        MemoryConfig(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_heads": (5, 6, 12, 24)}, "num_heads must divide"),
        ({"num_heads": (0, 6, 12, 24)}, r"num_heads must be 4 numbers of at least 1, got \(0, 6"),
        ({"depths": (2, 2)}, "depths must be 4 numbers"),
        ({"tubelet_size": (0, 4, 4)}, "tubelet_size must be 3 numbers"),
        ({"attention_window": (7, 7)}, "attention_window must be 3 numbers"),
        ({"embed_dim": 0}, "embed_dim and num_classes must be 2 numbers of at least 1"),
        ({"num_classes": 0}, "embed_dim and num_classes must be 2 numbers of at least 1"),
    ],
)
def test_impossible_architecture_is_refused(options, message):
    with pytest.raises(SettingError, match=message):
        FamSwinConfig(**options)
