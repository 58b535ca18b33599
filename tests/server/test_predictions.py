"""New rows in front of a fit: predictions, as CSV too, and what does not fit refused in words."""

from __future__ import annotations

import csv
import io
import shutil

import numpy as np
import pytest
from serving import let_in, serving

from pilotlight.app.fitting import start_fit
from pilotlight.app.predicting import predict_file
from pilotlight.cli.entry import main
from pilotlight.core.command import FitCommand
from pilotlight.core.errors import UsageError
from pilotlight.server.laboratory import Laboratory

DRAWN = np.random.default_rng(0).normal(size=(60, 2))
TABLE = "a,b,kind\n" + "".join(f"{a:.3f},{a + b:.3f},{'xy'[int(a > 0)]}\n" for a, b in DRAWN)
QUICK = {"folds": 2, "inner_folds": 2, "seeds": 1, "candidates": 1, "jobs": 1}


def fitted(folder, target):
    """A quick fit."""
    table = folder / "mine.csv"
    table.write_text(TABLE)
    fitting = start_fit(FitCommand(str(table), target, out=str(folder / target), **QUICK))
    for _ in fitting:
        pass
    return fitting.folder


@pytest.fixture(scope="module")
def fits(tmp_path_factory):
    """A fit of classes and one of numbers."""
    folder = tmp_path_factory.mktemp("fits")
    return [fitted(folder, target) for target in ("kind", "b")]


@pytest.fixture
def client(tmp_path, monkeypatch, fits, finished):
    """A browser at a laboratory with these fits, and with the run of a lab."""
    monkeypatch.chdir(tmp_path)
    for folder in (*fits, finished):
        shutil.copytree(folder, tmp_path / "runs" / folder.name)
    with serving(Laboratory(tmp_path / "runs", 100_000)) as (browser, keys):
        yield let_in(browser, keys)


def upload(client, text, name="new.csv"):
    assert client.put(f"/api/data/{name}", content=text).status_code == 201


def shown(client, run, name="new.csv"):
    return client.get(f"/api/runs/{run}/predictions/{name}")


def test_classes_come_with_the_probability_of_each(client):
    upload(client, "a,b\n0,0.2\n1,1.2\n")
    found = shown(client, "kind").json()
    assert found["header"] == ["prediction", "probability_x", "probability_y"]
    assert (found["rows"], len(found["lines"])) == (2, 2)
    for kind, *chances in found["lines"]:
        assert kind in "xy"
        assert sum(map(float, chances)) == pytest.approx(1, abs=1e-5)


def test_numbers_come_with_an_interval(client):
    upload(client, "a,kind\n0,x\n1,y\n")
    found = shown(client, "b").json()
    assert found["header"] == ["prediction", "low_95", "high_95"]
    for prediction, low, high in found["lines"]:
        assert float(low) < float(prediction) < float(high)


def test_the_page_shows_some_and_the_file_holds_all_as_the_command_prints_them(
    client, tmp_path, capsys
):
    upload(client, TABLE)
    found = shown(client, "kind").json()
    assert (found["name"], found["rows"], len(found["lines"])) == ("new.csv", 60, 20)
    assert found["notes"] == ["Not used: kind."]
    answer = client.get("/api/runs/kind/predictions/new.csv/file")
    assert answer.headers["content-disposition"].endswith("predictions-new.csv")
    header, *lines = csv.reader(io.StringIO(answer.text))
    assert header == found["header"]
    assert lines[:20] == found["lines"]
    assert len(lines) == 60
    new = tmp_path / "runs" / "data" / "new.csv"
    assert main(["predict", str(tmp_path / "runs" / "kind"), str(new)]) == 0
    assert capsys.readouterr().out == answer.text


@pytest.mark.parametrize("where", ["", "/file"])
def test_what_does_not_fit_is_refused_in_the_words_of_the_command(where, client, tmp_path):
    upload(client, "a,c\n0,1\n1,2\n")
    answer = client.get(f"/api/runs/kind/predictions/new.csv{where}")
    with pytest.raises(UsageError, match="lacks column 'b'") as refused:
        predict_file(tmp_path / "runs" / "kind", tmp_path / "runs" / "data" / "new.csv")
    assert answer.status_code == 422
    assert answer.json()["problems"] == list(refused.value.problems)


def test_another_file_of_the_same_name_is_predicted_afresh(client, tmp_path):
    upload(client, "a,b\n0,0.2\n")
    assert shown(client, "kind").json()["rows"] == 1
    (tmp_path / "runs" / "data" / "new.csv").write_text("a,b\n0,0.2\n1,1.2\n2,0.2\n")
    assert shown(client, "kind").json()["rows"] == 3


@pytest.mark.parametrize(
    ("run", "name", "status", "said"),
    [
        ("kind", "old.csv", 422, "unknown file"),
        ("kind", "..%2fkind%2fconfig.json", 404, "There is nothing at"),
        ("kin", "new.csv", 404, "Did you mean 'kind'?"),
        ("run", "new.csv", 409, "is no run of `pilotlight fit`"),
    ],
)
def test_what_is_not_there_is_said(run, name, status, said, client):
    upload(client, TABLE)
    answer = shown(client, run, name)
    assert answer.status_code == status
    assert said in " ".join(answer.json()["problems"])


def test_a_fit_that_is_not_finished_cannot_predict(client, tmp_path):
    upload(client, TABLE)
    (tmp_path / "runs" / "kind" / "result.json").unlink()
    answer = shown(client, "kind")
    assert answer.status_code == 409
    assert "is not finished, so there is nothing to predict with" in answer.json()["problems"][0]


def test_a_fit_says_whether_it_is_worth_it_what_it_predicts_from_and_what_the_score_is(client):
    page = client.get("/api/runs/kind").json()
    assert page["inputs"] == "2 columns: a, b"
    assert page["result"]["first_line"].startswith("The network is ")
    assert "The score belongs to the procedure" in page["result"]["procedure"]
