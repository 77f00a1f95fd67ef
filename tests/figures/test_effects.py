import numpy as np
import pytest

from tests.figures.views import check_drawable, make_effects, words_of
from vidmem.figures import effects_figure
from vidmem.figures.theme import LIGHT
from vidmem.inspection import DirectEffects, TotalEffects, attention_agreement


def test_bars_are_the_effects_side_by_side():
    direct = make_effects(DirectEffects, {4: 0.1, 5: -0.2, 6: 0.0})
    total = make_effects(TotalEffects, {2: 1.0, 4: 2.0, 5: -3.0, 6: 0.5})
    figure = check_drawable(effects_figure(direct, total))
    ours, theirs = figure.data
    assert figure.layout.barmode == "group"
    assert list(ours.customdata) == [4, 5, 6]
    assert list(theirs.customdata) == [2, 4, 5, 6]
    assert list(ours.x) == [1, 2, 3]  # clip 2 comes first, and has a total effect alone
    np.testing.assert_allclose(ours.y, [0.1, -0.2, 0.0], atol=1e-12)
    np.testing.assert_allclose(theirs.y, [1.0, 2.0, -3.0, 0.5], atol=1e-12)
    assert figure.layout.xaxis.ticktext == ("2", "4", "5", "6")
    assert ours.marker.color != theirs.marker.color
    assert {ours.marker.color, theirs.marker.color} <= set(LIGHT.colours)
    assert "clip 5 · direct effect" in ours.hovertext[1]


def test_rank_correlations_are_those_of_the_effects():
    direct = make_effects(DirectEffects, {0: 0.3, 1: 0.1, 2: -0.2, 3: 0.05})
    shares = {0: 0.5, 1: 0.2, 2: 0.1, 3: 0.15}
    rho = attention_agreement(shares, direct.clips)
    assert f"attention: direct {rho:.2f}" in words_of(effects_figure(direct, None, shares))
    still = make_effects(TotalEffects, {0: 0.0, 1: 0.0, 2: 0.0})
    assert "total none" in words_of(effects_figure(None, still, shares))
    assert "correlation" not in words_of(effects_figure(direct, None))


def test_many_clips_are_drawn_by_the_largest_effect_of_neighbours():
    effects = {clip: (-1) ** clip * clip / 10 for clip in range(1, 131)}
    (bars,) = check_drawable(effects_figure(make_effects(DirectEffects, effects), None)).data
    assert len(bars.y) == 64
    assert bars.customdata[-1] == 130
    assert bars.y[0] == pytest.approx(0.2)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_without_effects_it_says_so(theme):
    nothing = make_effects(DirectEffects, {})
    for figure in (effects_figure(None, None, theme=theme), effects_figure(nothing, None, {})):
        assert not check_drawable(figure).data
        assert "No clip was tested." in words_of(figure)
