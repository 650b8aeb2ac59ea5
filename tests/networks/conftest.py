import pytest
import torch

from unfold_theory.networks import NETWORKS, build
from unfold_theory.problems.signals import BernoulliGaussian
from unfold_theory.problems.sparse import SparseRecovery

DEPTH = 5
# Options under which every parameter that can train does.
TRAINABLE = {"ista": {"learn_steps": True}, "fista": {"learn_steps": True}}
VARIANTS = {
    **{name: (name, TRAINABLE.get(name, {})) for name in NETWORKS},
    "ista-fixed": ("ista", {}),
    "admm-fixed": ("admm", {"learn": False}),
    "lista-nonnegative": ("lista", {"nonnegative": True}),
    "lista-cp-untied": ("lista-cp", {"tied": False}),
    "lista-cp-frobenius": ("lista-cp", {"init": "frobenius"}),
    "lista-cpss-ungated": ("lista-cpss", {"gated": False, "selected": [1, 0, 3, 4, 5]}),
    "lista-momentum-plain": ("lista-momentum", {"percent": 0.0, "beta": 0.2}),
    "lista-momentum-trained": ("lista-momentum", {"train_weight": True}),
    "hyperlista-symmetric": ("hyperlista", {"weight": "symmetric", "gain": 0.9}),
    "hyperlista-at-rest": ("hyperlista", {"momentum": False}),
    "glista-inverse": ("glista", {"gate": "inverse", "tied": False, "percent": 0.0}),
    "glista-exponential": ("glista", {"gate": "exponential", "init": "frobenius", "gated": False}),
    "na-alista-narrow": ("na-alista", {"width": 8, "selected": 0, "theta": 0.1, "gamma": 0.9}),
    "orthogonal-dictionary-projected": ("orthogonal-dictionary", {"radius": 0.5}),
    "alista-minimax": ("alista", {"weight": "minimax", "percent": 0.0}),
}


def pytest_generate_tests(metafunc):
    if "variant" in metafunc.fixturenames:
        metafunc.parametrize("variant", VARIANTS)


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="package")
def problem():
    return SparseRecovery.gaussian(15, 30, law=BernoulliGaussian(p=0.15), snr_db=None, seed=3)


@pytest.fixture(scope="package")
def batch(problem):
    return problem.sample(40, seed=8)


@pytest.fixture
def y(batch):
    return torch.tensor(batch.y)


@pytest.fixture
def make(problem):
    """Build a variant whose parameters have left their initial values, as training leaves them."""

    def made(variant, depth=DEPTH):
        name, options = VARIANTS[variant]
        if isinstance(options.get("selected"), list):
            options = {**options, "selected": options["selected"][:depth]}
        network = build(name, problem, depth, **options)
        generator = torch.Generator().manual_seed(11)
        with torch.no_grad():
            for parameter in network.parameters():
                if parameter.requires_grad:
                    noise = torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)
                    parameter.mul_(1 + 0.1 * noise)
        return network

    return made
