"""Candidates that Optuna's sampler proposes, from what the inner folds said of others.

Each place asks for its own, from its own inner folds: the test rows of an outer fold have no say.
Source: Watanabe (2023), Tree-structured Parzen estimator, as Optuna has it.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib import metadata

from pilotlight.core.errors import UsageError
from pilotlight.data.generators import named_seed
from pilotlight.fitting.candidates import DECAYS, RATES, Candidate
from pilotlight.fitting.choose import Curves, mean_losses
from pilotlight.fitting.networks import Network
from pilotlight.fitting.study import Study

SAMPLERS = ("halton", "optuna")


def refuse_without_optuna(sampler: str) -> None:
    """Refuse a sampler that is not known, or not installed.

    Raises:
        UsageError: says what to install or to say.
    """
    if sampler not in SAMPLERS:
        raise UsageError(f"sampler={sampler}: there are {' and '.join(SAMPLERS)}.")
    if sampler == "optuna":
        try:
            import optuna  # noqa: F401
        except ModuleNotFoundError:
            raise UsageError(
                "--sampler optuna needs the package optuna: pip install 'pilotlight[search]'."
            ) from None


def sampler_words(sampler: str) -> str:
    """The sampler and, where that decides its numbers, its version."""
    return sampler if sampler == "halton" else f"{sampler} {metadata.version(sampler)}"


def with_proposals(study: Study, curves: Curves) -> tuple[Study, set[tuple[int, int]]]:
    """The study with candidates that were proposed for each place, and which (place, candidate)."""
    least = mean_losses(study, curves).min(axis=2)
    candidates = list(study.candidates)
    pairs: set[tuple[int, int]] = set()
    for place in study.places:
        tried = dict(zip(study.candidates, least[place.index].tolist(), strict=True))
        for candidate in propose(study.networks, tried, place.index):
            pairs.add((place.index, len(candidates)))
            candidates.append(candidate)
    return replace(study, candidates=tuple(candidates)), pairs


def propose(
    networks: Sequence[Network], tried: Mapping[Candidate, float], place: int
) -> Iterator[Candidate]:
    """As many new candidates of each network as were tried there; the same for the same losses.

    `tried` says which mean loss each candidate has reached; one that diverged is infinite.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    for network in networks:
        space = {
            "rate": optuna.distributions.FloatDistribution(*RATES, log=True),
            "weight_decay": optuna.distributions.FloatDistribution(*DECAYS, log=True),
            "width": optuna.distributions.CategoricalDistribution(network.widths),
            "depth": optuna.distributions.CategoricalDistribution(network.depths),
        }
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # constant_liar is told to be experimental
            sampler = optuna.samplers.TPESampler(
                seed=named_seed(place, f"sampler/{network.name}") % 2**31,
                n_startup_trials=1,
                constant_liar=True,
            )
        study = optuna.create_study(sampler=sampler)
        own = {c: loss for c, loss in tried.items() if c.network == network.name}
        worst = max((v for v in own.values() if math.isfinite(v)), default=0.0)
        for candidate, loss in own.items():
            values = {n: getattr(candidate, n) for n in space}
            value = loss if math.isfinite(loss) else worst + 1
            study.add_trial(
                optuna.trial.create_trial(params=values, distributions=space, value=value)
            )
        for _ in own:
            asked = study.ask(space).params
            rates = {n: float(f"{asked[n]:.3g}") for n in ("rate", "weight_decay")}
            yield Candidate(network.name, **rates, width=asked["width"], depth=asked["depth"])
