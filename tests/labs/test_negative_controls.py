"""Negative controls of the area foundations: nothing is found where there is nothing to find.

Labels that say nothing are not learned. Comparisons that are equal and have seeds of their own do
not differ more often than the judge's level says, whatever the kind of test.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from scipy import stats

from pilotlight.core.lab import REFUTED, SUPPORTED, UNDECIDED, Claim
from pilotlight.core.report import MemberRow
from pilotlight.data.table import Data
from pilotlight.engine.plan import make, make_members
from pilotlight.engine.run import run
from pilotlight.labs.catalogue import entries, load
from pilotlight.measure.members import collect
from pilotlight.measure.verdicts import judge

pytestmark = pytest.mark.slow


def trained(lab, seeds, changes, comparison):
    """The networks of one comparison, one row each; and how many rows each is tested on."""
    members = make_members(lab, seeds, changes, [comparison])
    plan, material = make(lab, members, "cpu")
    rows = collect([m.to_json() for m in members], run(replace(lab, exhibits=()), plan, material))
    return rows, len(material.splits[0]["test"])


# --- labels that say nothing ---


def permuted(data):
    """The same inputs, with labels dealt out anew for each seed."""

    def rows(settings, generator):
        given = (settings, generator) if data.per_seed else ()
        inputs, targets = data.load(*given)
        return inputs, targets[torch.randperm(len(targets), generator=generator)]

    return Data("permuted", rows, data.classes, per_seed=True)


def chance_of(lab):
    """The p of guessing: of all that twelve networks, early in training, say of their test rows."""
    first = next(iter(lab.compare))
    usual = make_members(lab, [0], {}, [first])[0].settings.get("epochs")
    members, tested = trained(lab, range(12), {"epochs": min(5, usual)} if usual else {}, first)
    if "test_accuracy" not in members[0].final:
        pytest.skip("accuracy on test rows is not what this lab measures")
    right = sum(round(m.final["test_accuracy"] * tested) for m in members)
    return stats.binomtest(right, tested * len(members), 1 / lab.data.classes).pvalue


@pytest.mark.parametrize("name", [e.name for e in entries() if e.area == "foundations"])
def test_permuted_labels_give_chance(name):
    lab = load(name)
    if not (lab.trains and lab.data and lab.data.classes):
        pytest.skip("no network of this lab chooses among classes")
    assert chance_of(replace(lab, data=permuted(lab.data))) > 0.001


def test_labels_as_they_are_do_not():
    assert chance_of(load("momentum")) < 1e-9


# --- equal comparisons, disjoint seeds ---

SEEDS, REPEATS, ARMS = 12, 200, 3
SHIFT = 0.05
SAID = {SUPPORTED, REFUTED}
KINDS = {
    "compare": (Claim("more", "a", "b", at_least=0.0), SAID),
    "compare by ranks": (Claim("more", "a", "b", at_least=0.0, test="rank"), SAID),
    "within": (Claim("alike", "a", "b", within=SHIFT), {REFUTED}),
    "within, on the edge": (Claim("alike", "shifted", "b", within=SHIFT), SAID),
    "rate": (Claim("oftener", "a", "b", success=lambda v: v > 0.7, at_least=0.0), SAID),
    "rate, on the edge": (
        Claim("oftener", "a", "b", success=lambda v: v > 0.7, within=0.3),
        {REFUTED},
    ),
    "trend": (Claim("ever more", trend={"a": 0, "b": 1, "c": 2}, at_least=0.0), SAID),
}
"""Each kind of claim, and which verdicts on it are false alarms where the truth is no difference
(for "shifted", which has SHIFT added: a difference of exactly the bound)."""


@pytest.fixture(scope="module")
def repeats():
    """200 runs of three equal comparisons, twelve seeds each; no network is in two of them."""
    lab = load("momentum")
    networks, _ = trained(lab, range(SEEDS * REPEATS * ARMS), {"epochs": 2}, "heavy_ball")
    accuracies = iter([m.final["test_accuracy"] for m in networks])
    made = []
    for _ in range(REPEATS):
        members = []
        for arm in "abc":
            for seed in range(SEEDS):
                value = next(accuracies)
                members.append(row(arm, seed, value))
                if arm == "a":
                    members.append(row("shifted", seed, value + SHIFT))
        made.append(members)
    return made


def row(comparison, seed, value):
    return MemberRow(0, comparison, seed, {}, final={"test_accuracy": value})


@pytest.mark.parametrize("level", [0.01, 0.2])
@pytest.mark.parametrize("kind", KINDS)
def test_equal_comparisons_differ_no_more_often_than_the_level_says(repeats, kind, level):
    claim, false = KINDS[kind]
    alarms = sum(
        judge({"it": claim}, members, {}, "", evidence=True, level=level)[0].verdict in false
        for members in repeats
    )
    exact = stats.binomtest(alarms, REPEATS).proportion_ci(0.99, "exact")
    print(f"{kind}, level {level}: {alarms} of {REPEATS}, {exact.low:.4f} to {exact.high:.4f}")
    assert exact.low <= level


def test_nor_do_all_claims_of_a_lab_together(repeats):
    """The level is that of the whole lab: Holm's correction over its claims."""
    claims = {name: claim for name, (claim, _) in KINDS.items()}
    alarms = 0
    for members in repeats:
        results = judge(claims, members, {}, "", evidence=True, level=0.2)
        alarms += any(r.verdict in KINDS[r.id][1] for r in results)
    assert stats.binomtest(alarms, REPEATS).proportion_ci(0.99, "exact").low <= 0.2


def test_a_test_that_is_too_bold_would_be_seen(repeats):
    """The same at a level five times too high."""
    claim, false = KINDS["compare"]
    alarms = sum(
        judge({"it": claim}, members, {}, "", evidence=True, level=0.2)[0].verdict in false
        for members in repeats
    )
    assert stats.binomtest(alarms, REPEATS).proportion_ci(0.99, "exact").low > 0.04


def test_a_difference_that_is_there_is_found(repeats):
    claim = Claim("more", "shifted", "a", at_least=0.0)
    verdicts = [
        judge({"it": claim}, members, {}, "", evidence=True)[0].verdict for members in repeats
    ]
    assert verdicts.count(SUPPORTED) == REPEATS
    assert UNDECIDED not in verdicts
