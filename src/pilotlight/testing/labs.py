"""The conformance suite of labs: what every lab must hold, ours or a person's own.

    from pilotlight.testing import check_lab
    check_lab("./my_lab.py")

What it does not cover: whether a claim is worth making, and whether its expected verdict is what
full-length runs give; `pilotlight verify` trains for that.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pilotlight.core.errors import PilotlightError
from pilotlight.core.lab import Lab
from pilotlight.labs.catalogue import load
from pilotlight.testing import rules


def check_lab(lab: Lab | str | Path) -> None:
    """Check a lab against every rule.

    Raises:
        AssertionError: all that is wrong, one line each.
    """
    found = problems(lab)
    assert not found, "\n".join(found)


def problems(lab: Lab | str | Path) -> list[str]:
    """Everything that is wrong with a lab, in words; empty when it is fine."""
    if not isinstance(lab, Lab):
        try:
            lab = load(str(lab))
        except PilotlightError as error:
            return list(error.problems)
    found = _ask(lab, rules.texts_are_there) + _ask(lab, rules.claims_are_sound)
    found += _ask(lab, rules.exhibits_pass)
    if found or not lab.trains:
        return found
    try:
        trial = rules.Trial.of(lab)
    except PilotlightError as error:
        return list(error.problems)
    for rule in (
        rules.finite,
        rules.no_test_row_is_learned_from,
        rules.first_loss_near_theory,
        rules.same_seed_same_numbers,
        rules.equals_its_plain_script,
        rules.kill_and_resume_change_nothing,
        rules.every_setting_matters,
        rules.within_its_seconds,
    ):
        found += _ask(trial, rule)
    return found


def _ask(subject: object, rule: Callable[..., list[str]]) -> list[str]:
    """A rule's problems; an error on the way is one too."""
    try:
        return rule(subject)
    except PilotlightError as error:
        return list(error.problems)
