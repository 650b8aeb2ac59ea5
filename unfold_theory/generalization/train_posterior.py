r"""Training a Gaussian posterior on its own PAC-Bayes bound: means and deviations, by reparametrised draws."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from unfold_theory.generalization.pac_bayes import GaussianPosterior, GaussianPrior
from unfold_theory.generalization.train_on_bound import BoundRun, BoundTraining
from unfold_theory.networks.base import UnfoldedNetwork
from unfold_theory.problems import Batch


class _PosteriorRun(BoundRun):
    """Draws from the posterior; KL to the prior whose deviation is best for each group."""

    def __init__(self, prior: GaussianPrior, sample: Batch, config: BoundTraining, start: UnfoldedNetwork):
        super().__init__(prior.coordinates, sample, config, start)
        first = -config.exponent * math.log(2)
        self.log_deviation = {name: torch.full_like(v, first).requires_grad_() for name, v in self.values.items()}

    def widths(self) -> list[Tensor]:
        return list(self.log_deviation.values())

    def perturbed(self) -> tuple[dict[str, Tensor], Tensor]:
        drawn, nats = {}, torch.zeros(())
        for name, mean in self.values.items():
            log = self.log_deviation[name]
            drawn[name] = mean + log.exp() * torch.randn(mean.shape, generator=self.generator)
            # At the best s^2 = mean(u^2 + sigma^2) the quadratic terms of KL cancel its -1.
            best = (mean.square() + (2 * log).exp()).mean()
            nats = nats + 0.5 * (torch.log(best) - 2 * log).sum()
        return drawn, nats

    def posterior(self, prior: GaussianPrior) -> GaussianPosterior:
        means = {name: v.detach().double().numpy() for name, v in self.values.items()}
        deviations = {name: v.detach().double().exp().numpy() for name, v in self.log_deviation.items()}
        best = {name: float(((means[name] ** 2 + deviations[name] ** 2).mean()) ** 0.5) for name in means}
        return GaussianPosterior(prior, means, deviations, prior.nearest(best))


def train_posterior(
    prior: GaussianPrior, sample: Batch, config: BoundTraining, *, start: UnfoldedNetwork | None = None
) -> GaussianPosterior:
    r"""Trains means and deviations on $\mathrm{kl}^{-1}(\text{surrogate risk}|(\mathrm{KL}+\ln\frac1\delta)/N)$.

    The prior's deviations follow in closed form and are put on its grid in the end.

    Args:
        prior: Made without the sample.
        sample: All signals that training may look at.
        config: How; ``exponent`` gives the deviation $2^{-k}$ that every coordinate begins with.
        start: Another network than the prior's centre to start from.

    Raises:
        InputError: The prior's centre has seen the sample, or the start has another architecture.
    """
    prior.centre.check_unseen(sample)
    run = _PosteriorRun(prior, sample, config, start or prior.centre.network)
    run.run()
    return run.posterior(prior)
