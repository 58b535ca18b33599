"""What does not fit into memory is refused in words, before anything is written."""

from __future__ import annotations

import numpy as np
import pytest

from pilotlight.app import fit_memory, fit_work
from pilotlight.app.fit_memory import gigabytes, refuse_large_text
from pilotlight.app.fit_preparing import prepare_fit
from pilotlight.app.fit_seen import seen
from pilotlight.app.fitting import start_fit
from pilotlight.app.machine import Cores, Memory
from pilotlight.core.command import FitCommand
from pilotlight.core.errors import UsageError
from pilotlight.data.files import from_arrays


@pytest.fixture
def free(monkeypatch):
    """Say how many bytes are free."""

    def say(available, limit=None):
        memory = Memory(10**12, available, limit)
        monkeypatch.setattr(fit_memory, "look_at_memory", lambda: memory)

    return say


def command(rows=60, **more):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 3))
    return FitCommand(from_arrays("toy", {"X": x, "y": x[:, 0]}), "y", **more)


def test_a_dry_run_says_so_and_a_fit_is_refused(free, tmp_path):
    free(2e8)
    found = seen(prepare_fit(command()))
    assert found["cost"]["memory_mb"] >= 400
    assert found["warnings"][0]["code"] == "memory"
    with pytest.raises(UsageError, match=r"take about 40\d MB of memory, and 200 MB are free"):
        start_fit(command(out=str(tmp_path / "run")))
    assert not (tmp_path / "run").exists()


def test_the_limit_of_a_job_counts_and_enough_is_enough(free):
    free(10**11, limit=10**8)
    assert "memory" in {n.code for n in prepare_fit(command()).notices}
    free(10**11)
    assert "memory" not in {n.code for n in prepare_fit(command()).notices}
    free(None)
    assert "memory" not in {n.code for n in prepare_fit(command()).notices}


def test_a_table_of_text_that_cannot_be_read_is_refused_before_it_is_read(free, tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("a,b\n" + "1,2\n" * 1000)
    free(10_000)
    with pytest.raises(UsageError, match="Save it as Parquet"):
        prepare_fit(FitCommand(str(path), "b"))
    refuse_large_text("penguins")
    free(10**9)
    refuse_large_text(path)


def test_more_rows_and_larger_trials_are_thought_to_take_more():
    rng = np.random.default_rng(0)
    small, large = (
        prepare_fit(FitCommand(from_arrays("toy", {"X": x, "y": x[:, 0, 0]}), "y")).cost.bytes
        for x in (rng.normal(size=(60, 20, 3)), rng.normal(size=(240, 200, 3)))
    )
    data = 240 * 200 * 3 * 8
    assert large - small > 2 * data


def test_as_many_workers_as_fit(free, monkeypatch):
    monkeypatch.setattr(fit_work, "look_at_cores", lambda: Cores(8, 8, 8))
    monkeypatch.setattr(fit_work, "WORTH_PROCESSES", 0)
    prepared = prepare_fit(command(device="cpu"))
    free(3.5 * prepared.cost.bytes)
    assert fit_work.usual_jobs(prepared) == 3
    free(1)
    assert fit_work.usual_jobs(prepared) == 1


def test_sizes_in_words():
    assert [gigabytes(s) for s in (3.2e9, 12e6)] == ["3.2 GB", "12 MB"]
