"""Labs for the page: the map, a lab's page, its script, and the command for what is set."""

from __future__ import annotations

import json

import pytest
from sklearn.datasets import load_digits

from pilotlight.labs.catalogue import entries, load


def test_the_map_has_all_labs_and_a_persons_own(client):
    found = client.get("/api/labs").json()
    labs = {lab["name"]: lab for lab in found["labs"]}
    assert set(labs) == {entry.name for entry in entries()} | {"ring"}
    assert labs["ring"]["own"]
    assert not labs["momentum"]["own"]
    for lab in labs.values():
        assert lab["area"] in found["areas"]
        for other in lab["leads_to"]:
            assert lab["name"] in labs[other]["needs"]


def test_the_last_run_of_a_lab_is_told(client, laboratory):
    labs = {lab["name"]: lab for lab in client.get("/api/labs").json()["labs"]}
    assert labs["ring"]["last"]["run"] in ("one", "two")
    assert set(labs["ring"]["last"]["verdicts"]) == {"sooner", "alike"}
    assert labs["dqn"]["last"] is None


def test_a_labs_page_has_all_that_it_declares(client):
    page, lab = client.get("/api/labs/momentum").json(), load("momentum")
    assert [s["name"] for s in page["settings"]] == list(lab.settings)
    rate = page["settings"][0]
    assert (rate["scale"], rate["low"], rate["high"], rate["default"]) == ("log", 1e-4, 100, 0.01)
    assert rate["effect"] == {"rate": lab.effects["rate"]}
    assert page["settings"][list(lab.settings).index("epochs")]["effect"] is None
    assert [c["name"] for c in page["comparisons"]] == list(lab.compare)
    larger = next(c for c in page["comparisons"] if c["name"] == "larger_step")
    assert larger["changes"] == {"momentum": 0, "rate": None}
    assert larger["words"] == "momentum=0, rate=computed"
    assert [c["id"] for c in page["claims"]] == list(lab.claims)
    assert page["claims"][0]["bound"] == "at least 0.05"
    assert page["text"][-1].endswith("You can stop here.")
    assert all("\n" not in paragraph for paragraph in page["text"])
    assert page["wrong"][0]["changes"] == {"rate": 1.0}
    assert [e["name"] for e in page["exercises"]] == ["momentum"]


def test_the_script_is_that_of_the_command_line(client):
    found = client.get("/api/labs/momentum/script?comparison=plain").json()
    assert (found["lab"], found["comparison"]) == ("momentum", "plain")
    compile(found["text"], "script", "exec")
    assert 'comparison="plain"' in found["text"]
    first = client.get("/api/labs/momentum/script").json()
    assert f'comparison="{first["comparison"]}"' in first["text"]
    answer = client.get("/api/labs/momentum/script?comparison=plane")
    assert answer.status_code == 422
    assert "Did you mean 'plain'?" in answer.json()["problems"][0]


def test_a_lab_as_a_notebook_holds_the_whole_script(client):
    notebook = client.get("/api/labs/momentum/notebook").json()
    script = client.get("/api/labs/momentum/script").json()["text"]
    code = [c["source"] for c in notebook["cells"] if c["cell_type"] == "code"]
    assert "".join("".join(code).split()) == "".join(script.split())
    assert notebook["cells"][0]["source"].startswith("# Does momentum need fewer steps, and why?")
    json.dumps(notebook, allow_nan=False)


def test_the_run_that_comes_along(client):
    run = client.get("/api/labs/momentum/recorded").json()
    assert run["recorded"]
    assert run["lab"] == "momentum"
    assert client.get("/api/labs/momentum/picture").content.startswith(b"<svg")
    assert client.get("/api/labs/ring/recorded").status_code == 404
    assert client.get("/api/labs/ring/picture").status_code == 404


def test_rows_of_a_labs_data_as_a_network_saw_them(client):
    found = client.get("/api/labs/momentum/rows?comparison=plain&seed=1000&rows=3,14").json()
    assert found["picture"] == [8, 8]
    pixels, digits = load_digits(return_X_y=True)
    for told, number in zip(found["rows"], (3, 14), strict=True):
        assert (told["row"], told["target"]) == (number, digits[number])
        assert told["values"] == pytest.approx(pixels[number] / 16, abs=1e-3)
