"""The lab on data larger than memory: its exhibits pass, and known mistakes make them fail."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from pilotlight.core.event import CohortDone
from pilotlight.core.report import MemberRow
from pilotlight.data.table import Data
from pilotlight.engine.plan import make, make_members
from pilotlight.engine.run import run
from pilotlight.labs.foundations import larger_than_memory as module
from pilotlight.labs.foundations.larger_than_memory import lab, reading_order

BY_ID = {exhibit.id: exhibit for exhibit in lab.exhibits}


def settings(reading, held=40, block=5):
    return SimpleNamespace(reading=reading, held=held, block=block)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def small(monkeypatch):
    """A file of 20,000 rows where speed is measured, which is quickly written."""
    monkeypatch.setattr(module, "MILLION", 100_000)


# --- rows in a file ---


def test_rows_are_sorted_by_class_and_equal_each_time():
    rows, labels = torch.cat(list(module.chunks(12_000))), module.classes(12_000)
    assert rows.shape == (12_000, 64)
    assert labels.bincount().tolist() == [1200] * 10
    assert (labels.diff() >= 0).all()
    assert torch.equal(rows, torch.cat(list(module.chunks(12_000))))


def test_a_mapped_tensor_is_the_file(tmp_path):
    table = module.write(tmp_path / "rows", 12_000)
    assert torch.equal(table, torch.cat(list(module.chunks(12_000))))
    written = np.fromfile(tmp_path / "rows", np.float32).reshape(-1, 64)
    assert torch.equal(table, torch.from_numpy(written))
    again = module.mapped(tmp_path / "rows", 12_000)
    again[7] = 0
    assert np.fromfile(tmp_path / "rows", np.float32).reshape(-1, 64)[7].tolist() == [0] * 64


def test_every_fifth_row_tests_and_nobody_is_lost():
    split = module.in_file_order(torch.zeros(50), None, generator())
    assert split["test"].tolist() == list(range(0, 50, 5))
    assert sorted([*split["train"].tolist(), *split["test"].tolist()]) == list(range(50))


@pytest.mark.parametrize("reading", ["whole", "once", "blocks", "window", "file"])
def test_every_order_reads_every_row_once(reading):
    positions = reading_order(203, settings(reading), generator())
    assert positions.sort().values.tolist() == list(range(203))


def test_orders_are_what_they_are_called():
    lie = torch.arange(200)
    assert torch.equal(reading_order(200, settings("file"), generator()), lie)
    once = [reading_order(200, settings("once"), generator(seed)) for seed in (0, 1)]
    assert torch.equal(once[0], once[1])
    assert not torch.equal(once[0], lie)
    window = reading_order(200, settings("window"), generator())
    assert torch.equal(window.view(5, 40).sort(1).values, lie.view(5, 40))
    blocks = reading_order(200, settings("blocks"), generator())
    for held in blocks.view(5, 40):  # what lies in the buffer at once: eight whole blocks
        assert (held // 5).bincount(minlength=40).unique().tolist() == [0, 5]
    assert (blocks.view(5, 40).max(1).values - blocks.view(5, 40).min(1).values > 100).all()


def test_a_sample_is_spread_over_the_file_and_read_again_and_again():
    positions = reading_order(200, settings("sample", held=30), generator())
    assert len(positions) == 200
    assert sorted(positions.unique().tolist()) == [i * 200 // 30 for i in range(30)]
    assert (positions.bincount()[positions] >= 6).all()


# --- through the engine ---


def trained(data):
    """The weights that two networks of the lab end with, after one epoch on these rows."""
    own = replace(lab, data=data, exhibits=())
    members = make_members(own, (0, 1), {"epochs": 1}, ["blocks"])
    plan, held = make(own, members, "cpu")
    (done,) = (e for e in run(own, plan, held) if isinstance(e, CohortDone))
    return done.weights


def test_networks_learn_the_same_from_a_file_and_from_memory():
    table, labels = module.sorted_file()
    mapped = trained(Data("mapped", lambda: (table, labels), classes=10))
    held = trained(Data("held", lambda: (table.clone(), labels), classes=10))
    assert mapped.keys() == held.keys()
    assert all(torch.equal(mapped[name], held[name]) for name in mapped)


# --- exhibits ---


@pytest.mark.parametrize("name", ["same_as_in_memory", "every_row_once"])
def test_exhibit_passes(small, name, error_of):
    assert error_of(name) == 0


def test_a_file_that_is_not_what_was_written_is_caught(small, monkeypatch, error_of):
    right = module.write

    def half(file, rows):
        """float32 numbers, of which the second half is lost."""
        table = right(file, rows)
        table[rows // 2 :] = 0
        return table

    monkeypatch.setattr(module, "write", half)
    assert error_of("same_as_in_memory") > 0
    assert error_of("every_row_once") > 0


def with_replacement(rows, settings, generator):
    return torch.randint(rows, (rows,), generator=generator)


def last_block_lost(rows, settings, generator):
    positions = torch.arange(rows)
    positions[-settings.block :] = 0
    return positions


@pytest.mark.parametrize("mistake", [with_replacement, last_block_lost])
def test_an_order_that_loses_rows_is_caught(small, monkeypatch, mistake, error_of):
    monkeypatch.setattr(module, "reading_order", mistake)
    assert error_of("every_row_once") > 0


def run_here(monkeypatch, stdout, code=0):
    """The capped process, not started: what it would have said."""
    monkeypatch.setattr(module, "write", lambda file, rows: None)
    answer = SimpleNamespace(returncode=code, stdout=stdout, stderr="out of memory")
    monkeypatch.setattr(module.subprocess, "run", lambda *args, **kwargs: answer)


@pytest.mark.parametrize(
    ("loaded", "accuracy", "system", "error"),
    [
        ("false", 0.95, "linux", 0),
        ("true", 0.95, "linux", 1),  # a cap that does not hold
        ("false", 0.1, "linux", 1),  # nothing learned
        ("true", 0.95, "darwin", 0),  # no cap there
    ],
)
def test_the_cap_must_hold_and_something_must_be_learned(
    monkeypatch, loaded, accuracy, system, error, error_of
):
    run_here(monkeypatch, f'{{"could be loaded": {loaded}, "accuracy": {accuracy}}}')
    monkeypatch.setattr(module.sys, "platform", system)
    assert error_of("under_a_cap") == error


def test_a_process_that_ends_early_has_failed(monkeypatch):
    run_here(monkeypatch, "", code=1)
    error, shown = BY_ID["under_a_cap"].function()
    assert error == math.inf
    assert shown == {"the process ended with": "out of memory"}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is capped on Linux only")
def test_under_a_cap():
    error, shown = BY_ID["under_a_cap"].function()
    assert error == 0
    assert shown["could be loaded"] is False
    assert 0 < shown["own memory while learning, MB"] < 128


# --- picture ---


def test_picture_shows_memory_and_every_network():
    shown = {"file, MB": 256.0, "own memory while learning, MB": 60.0}
    exhibits = [SimpleNamespace(id="under_a_cap", values=shown)]
    members = [
        MemberRow(i, name, i, {}, final={"test_accuracy": value})
        for i, (name, value) in enumerate([("whole", 0.9), ("file", 0.1), ("file", None)])
    ]
    figure = Figure(figsize=(8, 5))
    lab.picture(SimpleNamespace(members=members, exhibits=exhibits), figure)
    left, right = figure.axes
    assert [bar.get_height() for bar in left.patches] == [256.0, 128, 60.0]
    drawn = [list(line.get_xdata()) for line in right.lines[1:]]
    assert drawn == [[0.9], [], [], [], [], [], [0.1]]


def test_picture_of_a_run_stopped_at_once():
    lab.picture(SimpleNamespace(members=[], exhibits=[]), Figure(figsize=(8, 5)))
