"""Rows are found anew from a network's seed: those that it saw, and no others."""

from __future__ import annotations

import json
import shutil

import pytest
import torch

from pilotlight.app import answers
from pilotlight.app.rows import picture_shape, rows_data
from pilotlight.core.errors import RecordError, UsageError
from pilotlight.data.bundled import digits
from pilotlight.data.generators import generator
from pilotlight.engine.plan import make_members
from pilotlight.labs.catalogue import load


def test_rows_of_a_run_are_those_of_its_networks_seed(finished, lab):
    folder = str(finished.folder)
    by_index = {m["index"]: m["seed"] for m in json.loads(config_of(folder))["plan"]["members"]}
    for index, seed in list(by_index.items())[:3]:
        inputs, targets = lab.data.load(None, generator(seed, "data"))
        found = answers.rows(folder, index, [5, 0, 159])
        assert found["picture"] is None
        for told, number in zip(found["rows"], (5, 0, 159), strict=True):
            assert told["row"] == number
            assert told["target"] == int(targets[number])
            assert told["values"] == pytest.approx(inputs[number].tolist(), rel=0.01)


def config_of(folder):
    with open(f"{folder}/config.json") as file:
        return file.read()


def test_a_cell_of_a_confusion_table_holds_rows_of_its_class(finished):
    folder = str(finished.folder)
    for network in answers.snapshots(folder, "confusion")["networks"]:
        for label, _, numbers in network["frames"][-1]["drawing"]["samples"]:
            found = answers.rows(folder, network["member"], numbers)
            assert {told["target"] for told in found["rows"]} == {label}


def test_digits_are_pictures(lab):
    member = make_members(load("momentum"), [0], {}, ["plain"])[0]
    found = rows_data(load("momentum"), member, [7])
    assert found["picture"] == (8, 8)
    assert len(found["rows"][0]["values"]) == 64
    assert found == answers.lab_rows("momentum", "plain", 0, [7])


@pytest.mark.parametrize(
    ("shape", "said", "expected"),
    [
        ((5, 64), (8, 8), (8, 8)),
        ((5, 64), None, None),
        ((5, 2), (8, 8), None),
        ((5, 3, 4), None, (3, 4)),
        ((5, 3, 8, 6), None, (8, 6)),
        ((5, 7, 1), None, None),
    ],
)
def test_what_is_a_picture(shape, said, expected):
    assert picture_shape(torch.zeros(shape), said) == expected


def test_what_cannot_be_shown_is_said(finished, tmp_path, lab):
    folder = str(finished.folder)
    with pytest.raises(UsageError, match="rows=160: the rows of ring go from 0 to 159"):
        answers.rows(folder, 0, [3, 160])
    with pytest.raises(UsageError, match="member=99: the networks of this run go to 14"):
        answers.rows(folder, 99, [3])
    with pytest.raises(UsageError, match="dqn has no data"):
        answers.lab_rows("dqn", "dqn", 0, [0])
    with pytest.raises(UsageError, match=r"Did you mean 'plain'\?"):
        answers.lab_rows("momentum", "plane", 0, [0])
    assert digits.picture == (8, 8)
    copied(folder, tmp_path / "other", hashes={"lab": "x", "data": ["of another table"]})
    with pytest.raises(RecordError, match="The data of ring have changed since this run"):
        answers.rows(str(tmp_path / "other"), 0, [3])
    copied(folder, tmp_path / "away", file="", lab="nobody-has-it")
    with pytest.raises(RecordError, match="The lab nobody-has-it is not at hand"):
        answers.rows(str(tmp_path / "away"), 0, [3])


def copied(folder, to, **changes):
    """A copy of a run with another config."""
    shutil.copytree(folder, to)
    (to / "config.json").write_text(json.dumps(json.loads(config_of(folder)) | changes))


def test_without_the_lab_or_its_data_surfaces_come_without_rows(finished, tmp_path):
    folder = str(finished.folder)
    copied(folder, tmp_path / "other", hashes={"lab": "x", "data": ["of another table"]})
    copied(folder, tmp_path / "away", file="", lab="nobody-has-it")
    for name in ("other", "away"):
        networks = answers.snapshots(str(tmp_path / name), "surface")["networks"]
        assert [network["rows"] for network in networks] == [[], [], []]
