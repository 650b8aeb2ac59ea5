import matplotlib
import pytest

from unfold_theory.errors import InputError
from unfold_theory.networks import NETWORKS
from unfold_theory.plotting import STATUS_COLOURS, STYLES, find_style, look, styled


def test_every_network_has_a_look_of_its_own():
    looks = [look(name) for name in NETWORKS]
    assert len({made.colour for made in looks}) == len(looks)
    assert len({made.marker for made in looks}) == len(looks)
    assert look("alista").label == "ALISTA"


def test_a_network_of_ones_own_keeps_its_look():
    first, second = look("momentum-ista", "Momentum ISTA"), look("momentum-ista", "Momentum ISTA")
    assert first == second
    assert first.label == "Momentum ISTA"
    assert first.colour not in {look(name).colour for name in NETWORKS}


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("status", list(STATUS_COLOURS))
def test_status_colours_can_be_read_on_white(status):
    assert 1.05 / (luminance(STATUS_COLOURS[status]) + 0.05) >= 4.5


@pytest.mark.parametrize("name", list(STYLES))
def test_a_style_ends_with_its_block(name):
    matplotlib.rcParams["lines.linewidth"] = 3.21
    with styled(name) as style:
        assert matplotlib.rcParams["lines.linewidth"] != 3.21
        assert not matplotlib.rcParams["text.usetex"]
        assert style.column <= style.full
    assert matplotlib.rcParams["lines.linewidth"] == 3.21
    matplotlib.rcdefaults()


def test_unknown_styles_are_named():
    with pytest.raises(InputError, match=r"nature.*ieee"):
        find_style("nature")
