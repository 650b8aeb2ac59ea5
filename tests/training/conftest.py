import pytest
import torch

from unfold_theory.problems import BernoulliGaussian, SparseRecovery


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="package")
def tiny():
    return SparseRecovery.gaussian(12, 20, law=BernoulliGaussian(0.1), snr_db=30.0, seed=5)
