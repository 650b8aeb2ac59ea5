"""Networks of 10 x 20 that train in seconds: small enough for exact answers, trained like their large relatives.

Studies, benchmarks and tests of Lipschitz constants share them, so that a number in one can be found in another.
"""

from __future__ import annotations

from unfold_theory.networks import UnfoldedNetwork, build
from unfold_theory.problems import BernoulliGaussian, SparseRecovery
from unfold_theory.store import Store
from unfold_theory.training import TrainingConfig
from unfold_theory.training.losses import Supervised

M, N = 10, 20
SMALL_TRAINING = TrainingConfig(
    loss=Supervised(), steps=2000, learning_rate=3e-3, decays=(0.3,), patience=None, validation_interval=200
)
"""Adam in two stages, 4000 steps of 64 signals: about -9.3 dB with 3 layers and -10.4 dB with 6 after 4 s."""
LAM = 0.1


def small_problem() -> SparseRecovery:
    """Two of 20 entries nonzero on average, standard normal, without noise, from 10 measurements."""
    return SparseRecovery.gaussian(M, N, law=BernoulliGaussian(0.1))


def small_ista(depth: int) -> UnfoldedNetwork:
    """ISTA with steps 1/L: what training starts from, to a permille.

    Raises:
        InputError: The depth is not positive.
    """
    return build("ista", small_problem(), depth, lam=LAM)


def small_lista(depth: int, *, store: Store | None = None) -> UnfoldedNetwork:
    """Untied LISTA with nonnegative thresholds, trained end to end, from the cache or now.

    Args:
        depth: Number of layers.
        store: The cache; the user's by default.

    Raises:
        InputError: The depth is not positive, or the cache cannot be written.
    """
    options = {"nonnegative": True, "lam": LAM}
    return (store or Store()).trained("lista", small_problem(), depth, SMALL_TRAINING, options).network
