"""How much memory a study will take at its peak, in bytes, before anything is prepared."""

from __future__ import annotations

import math

import torch
from torch import nn

from pilotlight.core.settings import Settings
from pilotlight.engine.plan import TOGETHER
from pilotlight.fitting.networks import Coded, Inputs, Network
from pilotlight.fitting.study import Study

IMPORTED = 4e8
"""torch, scikit-learn and scipy, before any data."""
SINGLE, DOUBLE = 4, 8
COPIES = 6
"""Of each parameter: itself, two moments, its gradient, and two while it is updated."""
KEPT = 4
"""Of each activation: itself, what the layer behind keeps of it, their gradients."""


def memory_of(study: Study) -> float:
    """Rough bytes: data, prepared tables of a cohort's folds, and its stacked networks."""
    question = study.question
    rows, width = len(question.y), numbers_in(study.seen)
    fits = sum(len(place.inner) for place in study.places)
    table = rows * width * SINGLE
    data = question.x.size * DOUBLE * 2 + rows * width * DOUBLE * 2
    # a cohort's tables are laid one after another, beside those that are kept
    tables = 2 * table * min(fits, TOGETHER)
    nets = max(TOGETHER * _network(study, network) for network in study.networks)
    return float(IMPORTED + data + tables + nets)


def numbers_in(seen: Inputs) -> int:
    """How many numbers a network sees of a row."""
    if isinstance(seen, Coded):
        return seen.features + len(seen.kinds)
    return seen if isinstance(seen, int) else math.prod(seen)


def _network(study: Study, network: Network) -> float:
    """One network in training: its parameters, and what a batch leaves in its layers."""
    seen = study.seen
    sizes = {"width": max(network.widths), "depth": max(network.depths)}
    with torch.device("meta"), torch.random.fork_rng(devices=[]):
        model = network.make(seen, study.question.outputs, Settings(sizes))
    weights = sum(p.numel() for p in model.parameters())
    steps = seen[0] if isinstance(seen, tuple) else 1
    wide = sum(_outputs(layer) for layer in model.modules())
    activations = study.batch * (numbers_in(seen) + steps * wide)
    return SINGLE * (COPIES * weights + KEPT * activations)


def _outputs(layer: nn.Module) -> int:
    """Numbers that a layer puts out for a row or a step."""
    found = getattr(layer, "out_features", None) or getattr(layer, "out_channels", None)
    return int(found or getattr(layer, "hidden_size", None) or 0)
