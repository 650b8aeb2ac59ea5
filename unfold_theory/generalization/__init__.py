"""Generalization: limits rounded to the safe side, losses in [0, 1], bounds and certificates of the risk."""

from unfold_theory.generalization.binomial import binomial_lower, binomial_upper, clopper_pearson
from unfold_theory.generalization.checks import bounded_losses, failure_probability
from unfold_theory.generalization.code_search import search_word
from unfold_theory.generalization.codes import NetworkCode, Word
from unfold_theory.generalization.concentration import (
    dkw_radius,
    empirical_bernstein_radius,
    hoeffding_radius,
    mean_loss,
    risk_limits,
    sample_variance,
)
from unfold_theory.generalization.conformal import conformal_quantile, conformal_rank
from unfold_theory.generalization.coordinates import Coordinates
from unfold_theory.generalization.gibbs import GibbsCertificate, gibbs_certificate
from unfold_theory.generalization.integer_codes import IntegerCode
from unfold_theory.generalization.kl import binary_kl, kl_lower, kl_upper
from unfold_theory.generalization.losses import (
    BOUNDED_LOSSES,
    BoundedLoss,
    ClippedSquaredError,
    Failure,
    HalfDistance,
    bounded_loss_from_recipe,
)
from unfold_theory.generalization.occam import OccamCertificate, losses_by_depth, occam_certificate, occam_upper
from unfold_theory.generalization.pac_bayes import (
    GaussianPosterior,
    GaussianPrior,
    PacBayesCertificate,
    pac_bayes_certificate,
    pac_bayes_upper,
)
from unfold_theory.generalization.priors import Centre
from unfold_theory.generalization.train_on_bound import BoundTraining, train_and_certify, train_on_bound
from unfold_theory.generalization.train_posterior import train_posterior

__all__ = [
    "BOUNDED_LOSSES",
    "BoundTraining",
    "BoundedLoss",
    "Centre",
    "ClippedSquaredError",
    "Coordinates",
    "Failure",
    "GaussianPosterior",
    "GaussianPrior",
    "GibbsCertificate",
    "HalfDistance",
    "IntegerCode",
    "NetworkCode",
    "OccamCertificate",
    "PacBayesCertificate",
    "Word",
    "binary_kl",
    "binomial_lower",
    "binomial_upper",
    "bounded_loss_from_recipe",
    "bounded_losses",
    "clopper_pearson",
    "conformal_quantile",
    "conformal_rank",
    "dkw_radius",
    "empirical_bernstein_radius",
    "failure_probability",
    "gibbs_certificate",
    "hoeffding_radius",
    "kl_lower",
    "kl_upper",
    "losses_by_depth",
    "mean_loss",
    "occam_certificate",
    "occam_upper",
    "pac_bayes_certificate",
    "pac_bayes_upper",
    "risk_limits",
    "sample_variance",
    "search_word",
    "train_and_certify",
    "train_on_bound",
    "train_posterior",
]
