"""PEPit's published examples, at its own parameters and solved by PEPit itself: 23 of them, within 1e-5."""

import pytest

from benchmarks.pepit_examples import RELATIVE, examples

pytest.importorskip("PEPit", reason="the extra 'peers' is not installed")
EXAMPLES = list(examples())


def test_enough_of_them():
    assert len({(example.folder, example.module) for example in EXAMPLES}) >= 20


@pytest.mark.filterwarnings("ignore:Solution may be inaccurate")
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"{example.folder}.{example.module}")
def test_same_value(example):
    theirs, theory = example.theirs()
    assert example.ours() == pytest.approx(theirs, rel=RELATIVE)
    if "chain" in example.forms:
        assert example.ours("chain") == pytest.approx(theirs, rel=RELATIVE)
    if theory is not None:
        assert example.ours() <= theory * (1 + 1e-3)
