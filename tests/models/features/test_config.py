import pytest

from tests.models.features.tiny import tiny_config
from vidmem.errors import SettingError
from vidmem.models import FeatureConfig


@pytest.mark.parametrize(
    ("every", "num_frames", "encoded"),
    [(2, 6, [1, 3, 5]), (2, 5, [1, 3, 4]), (3, 7, [2, 5, 6]), (2, 1, [0])],
)
def test_the_last_frame_of_each_group_is_encoded(every, num_frames, encoded):
    config = tiny_config(encode_every=every)
    assert config.encoded_frames(num_frames) == encoded
    assert config.num_feature_frames(num_frames) == len(encoded)


def test_a_token_has_its_own_numbers_those_of_its_frame_and_motion_of_both():
    assert FeatureConfig(cell_components=16, frame_components=32).feature_dim == 16 + 32 + 6
    assert FeatureConfig(has_motion=False).feature_dim == 16 + 32


def test_motion_needs_two_frames_of_a_group():
    with pytest.raises(SettingError, match="at least 2 sampled frames to see motion, got 1"):
        FeatureConfig(encode_every=1)
    assert FeatureConfig(encode_every=1, has_motion=False).encoded_frames(3) == [0, 1, 2]


@pytest.mark.parametrize("name", ["tokens_per_frame", "cell_components", "frame_components"])
def test_counts_are_at_least_one(name):
    with pytest.raises(SettingError, match=f"{name} must be at least 1, got 0"):
        FeatureConfig(**{name: 0})
