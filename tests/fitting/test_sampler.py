"""Optuna's sampler: the same proposals for the same losses, from each place's own inner folds."""

from __future__ import annotations

import json
import math
import sys
from contextlib import closing
from itertools import islice

import numpy as np
import pytest
from small_fits import arrays, begin, fit, question_of, study_of

from pilotlight.app.fitting import resume_fit
from pilotlight.core.errors import UsageError
from pilotlight.data.files import from_arrays
from pilotlight.fitting.candidates import DECAYS, RATES, draw
from pilotlight.fitting.networks import usual
from pilotlight.fitting.sampler import propose, refuse_without_optuna, with_proposals

NETWORKS = usual(trials=False)
FIRST = draw(NETWORKS, 8)


def losses(best):
    """The nearer a candidate's rate is to `best`, the less its loss; one diverged."""
    found = {c: abs(math.log(c.rate / best)) for c in FIRST}
    return found | {FIRST[3]: math.inf}


def test_without_optuna_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UsageError, match=r"pip install 'pilotlight\[search\]'"):
        refuse_without_optuna("optuna")
    with pytest.raises(UsageError, match="sampler=random: there are halton and optuna"):
        refuse_without_optuna("random")
    refuse_without_optuna("halton")


@pytest.fixture
def optuna():
    return pytest.importorskip("optuna")


@pytest.mark.usefixtures("optuna")
def test_proposals_repeat_stay_in_range_and_follow_the_losses():
    low, high = (list(propose(NETWORKS, losses(b), 0)) for b in (0.0015, 0.025))
    assert low == list(propose(NETWORKS, losses(0.0015), 0))
    assert low != list(propose(NETWORKS, losses(0.0015), 1))
    assert len(low) == len(high) == len(FIRST)
    for candidate in (*low, *high):
        assert RATES[0] <= candidate.rate <= RATES[1]
        assert DECAYS[0] <= candidate.weight_decay <= DECAYS[1]
        assert (candidate.width, candidate.depth) in {(64, 1), (64, 2)}
    means = [np.mean([math.log(c.rate) for c in found]) for found in (low, high)]
    assert means[0] < means[1] - 0.2


@pytest.mark.usefixtures("optuna")
def test_each_place_asks_with_its_own_losses_only():
    study = study_of(question_of(arrays()), candidates=4, seeds=1)
    curves = {
        (p.index, c, f): [1.0 + c + p.index]
        for p in study.places
        for c in range(4)
        for f in range(2)
    }
    one, pairs = with_proposals(study, curves)
    other, _ = with_proposals(
        study, curves | {(0, c, f): [9.0 - c] for c in range(4) for f in (0, 1)}
    )
    assert len(one.candidates) == 4 + 4 * 4
    assert {p for p, _ in pairs} == {0, 1, 2, 3}
    of_place = {p: [i for q, i in sorted(pairs) if q == p] for p in range(4)}
    assert [one.candidates[i] for i in of_place[0]] != [other.candidates[i] for i in of_place[0]]
    for place in (1, 2, 3):
        assert [one.candidates[i] for i in of_place[place]] == [
            other.candidates[i] for i in of_place[place]
        ]


@pytest.mark.usefixtures("optuna")
def test_a_fit_repeats_and_resumes(tmp_path):
    data = arrays(80)
    more = {"sampler": "optuna", "candidates": 8}
    whole = fit(tmp_path / "whole", data, **more)
    assert whole.result["candidates"] == 8
    torn = begin(tmp_path / "torn", data, **more)
    for further in (6, 40, 40):
        with closing(iter(torn)) as events:
            for _ in islice(events, further):
                pass
        if torn.finished:
            break
        torn = resume_fit(tmp_path / "torn", from_arrays("toy", data), jobs=1)
    for _ in torn:
        pass
    results = [
        json.loads((tmp_path / n / "result.json").read_text()) | {"seconds": 0}
        for n in ("whole", "torn")
    ]
    assert results[0] == results[1]
