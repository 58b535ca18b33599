"""Every lab's page has a run to show at once, small, and as the lab says that it comes out."""

from __future__ import annotations

import re

import pytest
from torch.nn.functional import cross_entropy

from pilotlight.app.recording import LIMIT, POINTS
from pilotlight.app.shipped import HOME, PICTURE, RUN, recorded, recorded_picture
from pilotlight.engine.steps import Supervised
from pilotlight.labs.catalogue import entries, load
from pilotlight.present.palette import DARK

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
    assert picture is not None, "say: make recorded"
    files = (HOME / f"{entry.name}{ending}" for ending in (RUN, PICTURE))
    assert sum(file.stat().st_size for file in files) <= LIMIT
    lab = load(entry.name)
    assert run["comparisons"] == (list(lab.compare) if lab.trains else [])
    for spreads in run["curves"].values():
        for spread in spreads.values():
            assert len(spread["x"]) == len(spread["mean"]) == len(spread["low"]) <= POINTS
            assert spread["networks"] >= lab.seeds
    if lab.trains:
        assert set(run["curves"][run["main_metric"]]) == set(lab.compare)


@ENTRIES
def test_it_shows_networks_as_they_learn_where_they_are_filmed(entry):
    run, lab = recorded(entry.name), load(entry.name)
    assert run is not None, "say: make recorded"
    by_itself = isinstance(lab.train, Supervised) and lab.train.loss is cross_entropy
    is_filmed = by_itself or getattr(lab.train, "snapshot", None) is not None
    assert bool(run.get("filmed")) == is_filmed, "say: make recorded"
    for film in run.get("filmed", {}).values():
        assert all(network["frames"] for network in film["networks"])


@ENTRIES
def test_its_picture_has_colours_that_have_partners_on_a_dark_page(entry):
    picture = recorded_picture(entry.name)
    assert picture is not None, "say: make recorded"
    assert set(re.findall(rb"#[0-9a-f]{6}\b", picture)) <= {c.encode() for c in DARK}


def test_nothing_else_lies_there():
    names = {entry.name for entry in entries()}
    found = {path.name.partition(".")[0] for path in HOME.iterdir()}
    assert found <= names
    assert {"".join(path.suffixes) for path in HOME.iterdir()} == {RUN, PICTURE}
