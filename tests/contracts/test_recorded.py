"""Every lab's page has a run to show at once, small, and as the lab says that it comes out."""

from __future__ import annotations

import pytest

from pilotlight.app.recording import LIMIT, POINTS
from pilotlight.app.shipped import HOME, recorded, recorded_picture
from pilotlight.labs.catalogue import entries, load

ENTRIES = pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)


@ENTRIES
def test_a_run_of_every_lab_comes_along_and_came_out_as_expected(entry):
    run = recorded(entry.name)
    assert run is not None, "say: make recorded"
    assert run["state"] == "finished"
    assert run["evidence"]
    verdicts = {claim["id"]: claim["verdict"] for claim in run["claims"]}
    assert verdicts == dict(entry.expected), "say: make recorded"
    assert [shown["id"] for shown in run["exhibits"]] == list(entry.exhibits)
    assert all(shown["passed"] for shown in run["exhibits"])


@ENTRIES
def test_it_is_small_and_shows_each_comparison_with_its_spread(entry):
    run, picture = recorded(entry.name), recorded_picture(entry.name)
    assert run is not None, "say: make recorded"
    assert (HOME / f"{entry.name}.json").stat().st_size + len(picture) <= LIMIT
    lab = load(entry.name)
    assert run["comparisons"] == (list(lab.compare) if lab.trains else [])
    for spreads in run["curves"].values():
        for spread in spreads.values():
            assert len(spread["x"]) == len(spread["mean"]) == len(spread["low"]) <= POINTS
            assert spread["networks"] >= lab.seeds
    if lab.trains:
        assert set(run["curves"][run["main_metric"]]) == set(lab.compare)


def test_nothing_else_lies_there():
    names = {entry.name for entry in entries()}
    found = {path.stem for path in HOME.iterdir() if path.suffix in (".json", ".png")}
    assert found <= names
