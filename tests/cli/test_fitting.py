"""`fit` and `predict` as they are typed; training is short here, and done for real."""

from __future__ import annotations

import csv
import io
import json
import os

import pytest

from pilotlight.cli import main
from pilotlight.cli.fitting import SHOWN

pytestmark = pytest.mark.usefixtures("short_fits")

SHORT = ["--folds", "3", "--inner-folds", "2", "--seeds", "1", "--candidates", "2", "--jobs", "1"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A fit of penguins, once for all tests that only read it."""
    folder = tmp_path_factory.mktemp("fit")
    before = os.getcwd()
    os.chdir(folder)
    try:
        assert main(["fit", "penguins", "--target", "species", *SHORT, "--out", "run"]) == 0
    finally:
        os.chdir(before)
    return folder / "run"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["fit"], "name a file, as in `pilotlight fit data.csv --target species`."),
        (["fit", "penguins"], "--target says which column is to be predicted"),
        (["fit", "pengins", "--target", "a"], "Did you mean 'penguins'?"),
        (["fit", "penguins", "--target", "specie"], "Did you mean 'species'?"),
        (["fit", "penguins", "--target", "sex", "--group", "iland"], "Did you mean 'island'?"),
        (["fit", "penguins", "--target", "sex", "--types", "sex"], "write COLUMN=KIND"),
        (["fit", "penguins", "--target", "sex", "--types", "sx=category"], "Did you mean 'sex'?"),
        (["fit", "penguins", "--target", "sex", "--budget", "long"], "write a time such as 90s"),
        (
            ["fit", "penguins", "--target", "sex", "--budget", "2m", "--candidates", "3"],
            "Give one.",
        ),
        (["fit", "penguins", "--target", "sex", "--bin", "0.1"], "holds no spike times to count"),
        (["fit", "mpg", "--target", "mpg,acceleraton"], "Did you mean"),
        (["fit", "mpg", "--target", "mpg,origin"], "fit classes and numbers in two runs"),
        (["fit", "penguins", "--target", "sex", "--folds", "1"], "folds is a whole number from 2"),
        (["fit", "penguins", "--target", "sex", "--folds", "f.json"], "Name a number or a file."),
        (["fit", "penguins", "--target", "sex", "--seeds", "0"], "seeds is a whole number from 1"),
        (["fit", "penguins", "--target", "sex", "--candidates", "0"], "candidates=0"),
        (["fit", "penguins", "--target", "sex", "--model", "net.py"], "there is no such file"),
        (["fit", "penguins", "--resume", "run", "--seeds", "2"], "Leave out --seeds, penguins."),
        (["fit", "--resume", "nowhere"], "There is no folder nowhere."),
        (["predict", "nowhere", "new.csv"], "There is no folder nowhere."),
    ],
)
def test_wrong_use_is_said_and_nothing_is_made(typed, said, here, capsys):
    assert main(typed) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert list(here.iterdir()) == []


def test_a_dry_run_looks_and_trains_nothing(here, capsys):
    assert main(["fit", "mpg", "--target", "mpg", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "horsepower    number    46 to 230; missing in 6" in said
    assert "398 rows, regression." in said
    assert "looks-like-time: 'model_year'" in said
    assert list(here.iterdir()) == []


def test_a_dry_run_in_json(here, capsys):
    assert main(["fit", "penguins", "--target", "species", "--dry-run", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["rows"], said["task"], said["classes"]) == (
        344,
        "classification",
        ["Adelie", "Chinstrap", "Gentoo"],
    )
    assert {"code", "text"} == set(said["warnings"][0])


def test_several_class_targets_from_the_question_to_predictions(here, capsys):
    question = ["fit", "penguins", "--target", "species,sex", *SHORT]
    assert main([*question, "--dry-run", "--json"]) == 0
    looked = json.loads(capsys.readouterr().out)
    assert looked["classes"] == [["Adelie", "Chinstrap", "Gentoo"], ["FEMALE", "MALE"]]
    assert looked["columns"][1] == {
        "name": "sex",
        "kind": "target",
        "values": "FEMALE 165, MALE 168",
    }
    assert main([*question, "--out", "run", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    species, sex = found["by_target"]
    assert found["score"] == pytest.approx((species["score"] + sex["score"]) / 2)
    assert species["score"] > 0.9
    assert [sum(map(sum, t["confusion"])) for t in (species, sex)] == [333, 333]
    assert found["split"]["rule"].startswith("combinations of classes in equal shares")
    (here / "new.csv").write_text(
        "island,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g\n"
        "Biscoe,50,15,225,5800\nTorgersen,36,18,185,3300\n"
    )
    assert main(["predict", "run", "new.csv"]) == 0
    lines = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(line["prediction_species"], line["prediction_sex"]) for line in lines] == [
        ("Gentoo", "MALE"),
        ("Adelie", "FEMALE"),
    ]
    for line in lines:
        for target in ("species", "sex"):
            chances = [float(v) for n, v in line.items() if n.startswith(f"probability_{target}_")]
            assert sum(chances) == pytest.approx(1, abs=1e-5)
    assert main(["predict", "run", "new.csv", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == lines


def test_a_budget_decides_how_much_is_tried(here, capsys):
    counts = []
    for budget in ("30s", "5m"):
        words = ["fit", "mpg", "--target", "mpg", "--dry-run", "--json", "--budget", budget]
        assert main(words) == 0
        counts.append(json.loads(capsys.readouterr().out)["cost"]["networks"])
    assert 0 < counts[0] < counts[1]


def test_a_finished_fit_is_told_again_as_text_and_as_json(finished, capsys):
    assert main(["fit", "--resume", str(finished)]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("The network is ")
    assert "majority" in out
    assert "nothing is left to train" in err
    assert main(["fit", "--resume", str(finished), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert list(said) == [*SHOWN, "run"]
    assert said["network_is_better"] in (True, False, None)
    assert said["score"] > 0.9


def test_predictions_are_a_header_and_a_line_for_each_row(finished, here, capsys):
    rows = "bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g,sex,island\n"
    (here / "new.csv").write_text(rows + "39,18,185,3700,MALE,Dream\n50,15,220,5500,,Biscoe\n")
    assert main(["predict", str(finished), "new.csv"]) == 0
    out, err = capsys.readouterr()
    header, *lines = csv.reader(io.StringIO(out))
    assert header == [
        "prediction",
        "probability_Adelie",
        "probability_Chinstrap",
        "probability_Gentoo",
    ]
    assert [line[0] for line in lines] == ["Adelie", "Gentoo"]
    for line in lines:
        assert sum(map(float, line[1:])) == pytest.approx(1, abs=1e-5)
    assert "sex: missing in 1 rows." in err
    (here / "few.csv").write_text("island\nDream\n")
    assert main(["predict", str(finished), "few.csv"]) == 2
    assert "few.csv lacks column 'bill_length_mm'" in capsys.readouterr().err


def test_a_fit_stands_among_the_runs_and_has_a_page(finished, capsys):
    assert main(["runs", "--root", str(finished.parent)]) == 0
    assert "fit penguins.csv" in capsys.readouterr().out
    (finished / "report.html").unlink()
    assert main(["report", str(finished)]) == 0
    assert (finished / "report.html").exists()
    assert main(["report", str(finished), "--json"]) == 2
    assert "is the run of a fit, not of a lab" in capsys.readouterr().err
