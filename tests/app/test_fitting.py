"""A fit is recorded as it goes, survives kill -9, and predicts new rows."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from itertools import islice

import numpy as np
import pytest
import torch

from pilotlight.app.fitting import resume_fit, start_fit
from pilotlight.app.predicting import predict_examples, predict_file
from pilotlight.core.command import FitCommand
from pilotlight.core.errors import RecordError, UsageError
from pilotlight.core.event import CohortDone
from pilotlight.data.files import from_arrays, read
from pilotlight.fitting import study
from pilotlight.fitting.baselines import baselines
from pilotlight.present.fit_words import headline, rows
from pilotlight.record.folder import Folder

pytestmark = pytest.mark.usefixtures("short_fits")

FIT = """
import sys, torch
torch.set_num_threads(1)
from pilotlight.app.fitting import resume_fit, start_fit
from pilotlight.core.command import FitCommand
from pilotlight.engine.run import train_cohort
from pilotlight.fitting import study
from pilotlight.fitting.baselines import baselines

study.STEPS, study.MOST_EPOCHS = 600, 300
whole = study.baselines
study.baselines = lambda task, neural: whole(task, neural)[:2]
train_cohort.__defaults__ = (None, 0.02, False)  # seconds between checkpoints
path, out, resume = sys.argv[1:]
usual = dict(target="y", folds=3, inner_folds=2, seeds=2, candidates=3, jobs=1)
if resume == "yes":
    fitting = resume_fit(out, jobs=1)
else:
    fitting = start_fit(FitCommand(path, out=out, **usual))
for event in fitting:
    pass
"""


def write_data(path):
    rng = np.random.default_rng(0)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["a", "b", "site", "y"])
        for row in rng.normal(size=(90, 2)):
            site = rng.choice(["north", "south"])
            value = row[0] + (site == "north") + 0.2 * rng.normal()
            writer.writerow([f"{row[0]:.4f}", f"{row[1]:.4f}", site, f"{value:.4f}"])
    return path


@pytest.fixture
def data(tmp_path):
    return write_data(tmp_path / "data.csv")


def done(folder):
    """How often each cohort or baseline was told as done, in the journal as it stands."""
    lines = (folder / "journal.jsonl").read_text().splitlines()
    return Counter(e["cohort"] for e in map(json.loads, lines) if e["kind"] == "cohortdone")


def start(data, out, resume="no"):
    command = [sys.executable, "-c", FIT, str(data), str(out), resume]
    return subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"})


def kill_when(process, condition):
    """kill -9 as soon as the condition holds."""
    limit = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < limit:
        if condition():
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.005)
    return process.wait()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="no kill -9 on Windows")
def test_killed_three_times_it_gives_the_same_result_and_trains_nothing_twice(data, tmp_path):
    whole, torn = tmp_path / "whole", tmp_path / "torn"
    assert start(data, whole).wait() == 0
    moments = [
        lambda: len(done(torn)) >= 2 if (torn / "journal.jsonl").exists() else False,  # baselines
        lambda: (torn / "checkpoint.safetensors").exists(),  # in the search
        lambda: sum(c < 100 for c in done(torn)) >= 2,  # the search is trained
    ]
    for number, moment in enumerate(moments):
        killed = kill_when(start(data, torn, "yes" if number else "no"), moment)
        assert killed == -signal.SIGKILL, "it was over before it could be killed"
        assert not (torn / "result.json").exists()
    before = done(torn)
    assert start(data, torn, "yes").wait() == 0
    assert set(done(torn).values()) == {1}
    assert set(before) <= set(done(torn))
    results = [json.loads((f / "result.json").read_text()) for f in (whole, torn)]
    for result in results:
        del result["seconds"]
    assert results[0] == results[1]
    one, other = Folder.open(whole).weights(), Folder.open(torn).weights()
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def run(data, out, **more):
    usual = {"target": "y", "folds": 3, "inner_folds": 2, "seeds": 2, "candidates": 4, "jobs": 1}
    fitting = start_fit(FitCommand(data, out=str(out), **(usual | more)))
    for _ in fitting:
        pass
    return fitting


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fitted")
    return run(str(write_data(folder / "data.csv")), folder / "run")


def test_left_and_taken_up_again_at_every_turn_it_gives_the_same_result(fitted, data, tmp_path):
    """Each time it gets a little further: a baseline, a cohort, or up to the next checkpoint."""
    usual = {"folds": 3, "inner_folds": 2, "seeds": 2, "candidates": 4, "jobs": 1}
    fitting = start_fit(FitCommand(str(data), "y", out=str(tmp_path / "run"), **usual))
    for further in (3, 5, 40, 8):
        with closing(iter(fitting)) as events:
            for _ in islice(events, further):
                pass
        assert not fitting.finished
        fitting = resume_fit(tmp_path / "run", jobs=1)
    for _ in fitting:
        pass
    one, other = (f.result | {"seconds": 0} for f in (fitted, fitting))
    assert one == other
    assert set(done(fitting.folder).values()) == {1}


def test_the_model_card_holds_the_facts_of_the_page(fitted):
    card = (fitted.folder / "model_card.md").read_text()
    result = fitted.result
    assert card.startswith("# Model card: y from data.csv\n\nThe network is ")
    assert headline(result) in card
    for name, score, interval, less in rows(result):
        assert f"| {name} | {score} | {interval} | {less} |" in card
    assert "It predicts y (regression) from 3 columns: a, b, site." in card
    assert result["split"]["hash"] in card
    assert result["interval_over"] in card
    assert "\n\n\n" not in card
    assert "&" not in card


def test_a_finished_fit_holds_all_that_is_promised(fitted):
    folder = fitted.folder
    assert sorted(p.name for p in folder.iterdir() if p.name[0] != ".") == [
        "config.json",
        "history.npz",
        "journal.jsonl",
        "model_card.md",
        "report.html",
        "result.json",
        "splits.npz",
        "weights.safetensors",
    ]
    result = fitted.result
    assert result["score"] > 0.8
    assert result["split"]["hash"] == Folder.open(folder).config["about"]["split"]["hash"]
    page = (folder / "report.html").read_text()
    assert "Can a network predict y from data.csv, and is it worth it?" in page
    assert result["split"]["hash"] in page
    with np.load(folder / "splits.npz") as splits:
        tested = np.concatenate([splits[f"outer{k}-test"] for k in range(3)])
    np.testing.assert_array_equal(np.sort(tested), np.arange(90))


@pytest.mark.slow
def test_worker_processes_give_the_same_numbers(data, tmp_path):
    """Workers know nothing of what is patched here, so this is a fit at full length."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study, "STEPS", 500)
        patch.setattr(study, "baselines", baselines)
        one, two = (run(str(data), tmp_path / f"jobs{n}", jobs=n) for n in (1, 2))
    results = [f.result | {"seconds": 0} for f in (one, two)]
    assert results[0] == results[1]


def test_resuming_a_finished_fit_trains_nothing(fitted):
    again = resume_fit(fitted.folder)
    assert again.finished
    assert [e for e in again if isinstance(e, CohortDone)] == []


def test_a_fit_whose_data_changed_is_not_resumed(data, tmp_path):
    fitting = start_fit(FitCommand(str(data), "y", folds=3, out=str(tmp_path / "run")))
    data.write_text(data.read_text().replace("north", "east", 1))
    with pytest.raises(RecordError, match="since this fit started, the data"):
        resume_fit(fitting.folder)


def test_predictions_for_new_rows(fitted, data):
    found = predict_file(fitted.folder, data)
    assert found.header == ["prediction", "low_95", "high_95"]
    assert len(found.lines()) == 90
    y = read(data).column("y").values
    assert np.corrcoef(found.values, y)[0, 1] > 0.9
    inside = np.mean(np.abs(found.values - y) <= found.error)
    assert inside >= 0.93


def new_rows(**columns):
    usual = {"a": [0.1, 0.2], "b": [0.3, 0.4], "site": ["north", "south"]}
    return from_arrays("new", {k: v for k, v in (usual | columns).items() if v is not None})


def test_new_rows_that_do_not_fit_are_refused_in_words(fitted):
    with pytest.raises(UsageError, match=r"lacks column 'a'.*") as caught:
        predict_examples(fitted.folder, new_rows(a=None, site=None))
    assert len(caught.value.problems) == 2
    with pytest.raises(UsageError, match="'a' holds category values; in training it held number"):
        predict_examples(fitted.folder, new_rows(a=["high", "low"]))


def test_what_training_has_not_seen_is_said(fitted):
    found = predict_examples(
        fitted.folder, new_rows(site=["east", ""], a=[50.0, np.nan], extra=[1.0, 2.0])
    )
    assert np.all(np.isfinite(found.values))
    said = " ".join(found.notes)
    assert "site: 'east' did not occur in training" in said
    assert "a: 1 rows lie beyond what training saw" in said
    assert "a: missing in 1 rows." in said
    assert "Not used: extra." in said


def test_a_fit_that_is_not_finished_cannot_predict(data, tmp_path):
    fitting = start_fit(FitCommand(str(data), "y", folds=3, out=str(tmp_path / "run")))
    with pytest.raises(RecordError, match="is not finished, so there is nothing to predict with"):
        predict_file(fitting.folder, data)


NETWORKS = """
from torch import nn

class Part(nn.Module):
    pass

class Straight(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.layer = nn.Linear(inputs, outputs)

    def forward(self, x):
        return self.layer(x)

class Bent(nn.Sequential):
    def __init__(self, inputs, outputs):
        super().__init__(nn.Linear(inputs, 16), nn.ReLU(), nn.Linear(16, outputs))
"""


def test_own_networks_are_compared_and_used(data, tmp_path):
    path = tmp_path / "net.py"
    path.write_text(NETWORKS)
    fitting = run(str(data), tmp_path / "run", model=str(path))
    assert [n["name"] for n in fitting.result["networks"]] == ["Straight", "Bent"]
    assert set(fitting.result["winners"]) <= {"Straight", "Bent"}
    assert len(predict_file(fitting.folder, data).values) == 90
    path.write_text(NETWORKS + "\n# changed\n")
    with pytest.raises(RecordError, match="is gone or changed since the fit"):
        predict_file(fitting.folder, data)


def test_counts(tmp_path):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(150, 2))
    examples = from_arrays("counts", {"X": x, "y": rng.poisson(np.exp(0.8 * x[:, 0] + 0.5))})
    fitting = run(examples, tmp_path / "run", task="counts")
    assert fitting.result["metric"] == "D2"
    assert fitting.result["score"] > 0.2
    found = predict_examples(fitting.folder, from_arrays("new", {"X": x[:5]}))
    assert np.all(found.values > 0)
    assert min(float(line[1]) for line in found.lines()) >= 0
