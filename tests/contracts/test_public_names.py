"""What people build on: names of the package, and what machines read (docs/json.md).

The commands and their options are such a list too: OPTIONS in tests/cli/test_entry.py.
"""

from __future__ import annotations

import re
from dataclasses import fields

import pytest

import pilotlight
from pilotlight.app.doctor import Finding, Findings
from pilotlight.app.fit_preparing import prepare_fit
from pilotlight.app.fit_seen import seen
from pilotlight.app.practising import Checked, Standing
from pilotlight.cli import fitting
from pilotlight.core.command import FitCommand
from pilotlight.core.report import ClaimResult, ExhibitResult, Report
from pilotlight.labs.catalogue import find
from pilotlight.practice.catalogue import find as find_exercise
from pilotlight.practice.judge import Result, Verdict
from pilotlight.practice.progress import Done
from pilotlight.record.query import RunSummary

# Growth is a decision: a new public name is an edit of this list.
NAMES = {
    "do": ("run", "open_run", "fit", "open_fitted", "check", "check_lab", "check_exercise"),
    "estimators": ("PilotlightClassifier", "PilotlightRegressor"),
    "declare": ("Lab", "Claim", "Metric", "exhibit", "SUPPORTED", "REFUTED", "UNDECIDED"),
    "settings": ("log", "linear", "unit", "whole", "switch", "choice"),
    "data": ("Data", "digits", "holdout", "holdout_with_validation"),
    "networks": ("mlp", "Dropout"),
    "training": ("supervised", "Training", "Phase", "Stage", "normal", "uniform"),
    "optimizers": ("sgd", "rmsprop", "adam", "adamw"),
}
ALL_NAMES = sorted(name for names in NAMES.values() for name in names)

CLAIM = ClaimResult(
    "faster", "It is faster.", None, "supported", float("nan"), None, "epochs", 0, None, ""
)
SHOWN = ExhibitResult("sums", "It sums.", False, float("inf"), 0.0)


def a_report() -> Report:
    return Report(
        lab="momentum",
        question="Why?",
        text="",
        evidence=False,
        why_no_verdict=("a quick run",),
        claims=(CLAIM,),
        exhibits=(SHOWN,),
        members=(),
        run="runs/a",
        state="finished",
        seconds=1.234,
        versions={"torch": "2.13.0"},
    )


def test_the_public_names_are_these():
    assert pilotlight.__all__ == ALL_NAMES
    assert set(dir(pilotlight)) == {*ALL_NAMES, "__version__"}


def test_every_public_name_is_where_it_is_said_to_be_and_described():
    for name in ALL_NAMES:
        value = getattr(pilotlight, name)
        assert isinstance(value, str) or value.__doc__, name


# JSON


@pytest.fixture(scope="module")
def documented(root) -> dict[str, list[str]]:
    """Heading of docs/json.md -> the keys in the first column of its table."""
    sections = (root / "docs" / "json.md").read_text("utf-8").split("\n## ")
    return {
        section.partition("\n")[0]: re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
        for section in sections[1:]
    }


def test_a_run_in_json(documented):
    said = a_report().to_json()
    assert list(said) == documented["A run"]
    assert list(said["claims"][0]) == documented["A claim"]
    assert list(said["exhibits"][0]) == documented["An exhibit"]
    assert said["claims"][0]["effect"] is None
    assert said["exhibits"][0]["error"] is None
    assert said["seconds"] == 1.23


def test_a_lab_in_json(documented):
    assert list(find("momentum").to_json()) == documented["A lab"]


def test_a_fit_in_json(documented):
    assert [*fitting.SHOWN, "run"] == documented["A fit"]
    found = seen(prepare_fit(FitCommand("penguins", "species")))
    assert list(found) == documented["A look before a fit"]


def test_a_run_in_a_list_in_json(documented):
    assert [field.name for field in fields(RunSummary)] == documented["A run in a list"]


def test_an_exercise_in_json(documented):
    standing = Standing(find_exercise("momentum"), Done(), is_next=False)
    assert list(standing.to_json()) == documented["An exercise"]


def test_a_checked_answer_in_json(documented):
    result = Result("One step", "one", "One.", "failed", "no")
    said = Checked(Verdict("momentum", (result,)), "momentum.py", Done(), 0.5).to_json()
    assert list(said) == documented["A checked answer"]
    assert list(said["checks"][0]) == ["task", "name", "means", "state", "problem"]
    assert said["problem"] is None


def test_the_doctor_in_json(documented):
    said = Findings((Finding("torch", "torch 2.13.0", "It works."),)).to_json()
    assert list(said) == ["level", "findings"]
    assert list(said["findings"][0]) == documented["A finding"]
