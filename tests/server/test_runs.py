"""Runs on the disk: listed, copied here, damaged, deleted and brought back, downloaded."""

from __future__ import annotations

import http.client
import json
import shutil

import pytest


def listed(client):
    return {run["run"]: run for run in client.get("/api/runs").json()["runs"]}


def test_all_runs_are_listed_also_those_that_were_copied_here(client, laboratory, finished):
    shutil.copytree(finished, laboratory.runs / "from my cluster ü")
    found = listed(client)
    assert set(found) == {"one", "two", "from my cluster ü"}
    for run in found.values():
        assert (run["kind"], run["lab"], run["state"], run["here"]) == (
            "lab",
            "ring",
            "finished",
            False,
        )
        assert set(run["verdicts"]) == {"sooner", "alike"}
        assert run["bytes"] > 1000
    page = client.get("/api/runs/from my cluster ü").json()
    assert page["run"] == "from my cluster ü"
    assert page["claims"] == client.get("/api/runs/one").json()["claims"]


def test_a_damaged_run_is_listed_as_such(client, laboratory):
    (laboratory.runs / "one" / "config.json").write_text("{")
    assert listed(client)["one"]["state"] == "damaged"
    assert "is damaged" in listed(client)["one"]["problem"]
    answer = client.get("/api/runs/one")
    assert answer.status_code == 409
    assert "is damaged" in answer.json()["problems"][0]


def test_a_broken_journal_is_said(client, laboratory):
    (laboratory.runs / "one" / "journal.jsonl").write_text("no event\n")
    answer = client.get("/api/runs/one")
    assert answer.status_code == 409
    assert "line 1 is not an event" in answer.json()["problems"][0]


def test_deleting_can_be_undone(client, laboratory):
    before = sorted(p.name for p in (laboratory.runs / "one").iterdir())
    assert client.delete("/api/runs/one").json() == {"run": "one"}
    assert set(listed(client)) == {"two"}
    assert [run["run"] for run in client.get("/api/runs").json()["deleted"]] == ["one"]
    assert client.get("/api/runs/one").status_code == 404
    assert client.post("/api/runs/one/restore").json() == {"run": "one"}
    assert set(listed(client)) == {"one", "two"}
    assert sorted(p.name for p in (laboratory.runs / "one").iterdir()) == before
    answer = client.post("/api/runs/one/restore")
    assert answer.status_code == 409
    assert "unknown deleted run 'one'" in answer.json()["problems"][0]


def test_neither_takes_the_place_of_another_run(client, laboratory, finished):
    client.delete("/api/runs/one")
    shutil.copytree(finished, laboratory.runs / "one")
    for answer in (client.post("/api/runs/one/restore"), client.delete("/api/runs/one")):
        assert answer.status_code == 409
        assert "already" in answer.json()["problems"][0]


def test_what_the_page_shows_of_a_run(client):
    page = client.get("/api/runs/one").json()
    assert page["comparisons"] == ["wide", "wide_and_slow", "narrow"]
    assert page["panels"]["probes"]
    spread = page["curves"]["test_accuracy"]["wide"]
    assert (spread["networks"], spread["counted"]) == (5, 5)
    assert len(spread["x"]) == len(spread["mean"]) == len(spread["low"]) == len(spread["high"])
    rows = zip(spread["low"], spread["mean"], spread["high"], strict=True)
    assert all(low <= mean <= high for low, mean, high in rows)
    claim = next(c for c in page["claims"] if c["id"] == "sooner")
    assert claim["region"] == [0, None]
    assert claim["words"]["verdict"] == claim["verdict"]
    assert "mean of 5 networks" in page["curves_words"]["test_accuracy"]


def test_probes_by_layer(client):
    found = client.get("/api/runs/one/probes").json()
    layers = found["probes"]["gradient"]["wide"]
    assert found["steps"][0] == 0
    assert len(layers["values"]) == len(found["steps"])
    assert all(len(row) == len(layers["layers"]) for row in layers["values"])
    assert all(value > 0 for value in layers["values"][0])


def test_the_report_may_run_nothing(client):
    answer = client.get("/api/runs/one/report")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox; default-src 'none'")
    assert "script-src" not in policy
    assert answer.text.startswith("<!DOCTYPE html>")


def test_the_figure_the_diagnosis_and_what_a_lab_does_not_have(client):
    assert client.get("/api/runs/one/figure").text.startswith("<svg")
    assert client.get("/api/runs/one/diagnosis").json()["rows_compared"] in (True, False)
    assert client.get("/api/runs/one/movie").status_code == 404


def test_what_was_filmed_comes_by_name_and_its_rows_by_number(client):
    found = client.get("/api/runs/one/snapshots").json()
    assert found["name"] == "surface"
    assert found["names"] == ["surface", "confusion"]
    tables = client.get("/api/runs/one/snapshots?name=confusion").json()
    network = tables["networks"][0]
    label, _, numbers = network["frames"][-1]["drawing"]["samples"][0]
    asked = {"member": network["member"], "rows": ",".join(map(str, numbers))}
    rows = client.get("/api/runs/one/rows", params=asked).json()
    assert [row["row"] for row in rows["rows"]] == numbers
    assert {row["target"] for row in rows["rows"]} == {label}


def test_files_can_be_downloaded(client, laboratory):
    names = [file["name"] for file in client.get("/api/runs/one/files").json()["files"]]
    assert {"config.json", "result.json", "figures/main.svg"} <= set(names)
    answer = client.get("/api/runs/one/files/figures/main.svg")
    assert answer.content == (laboratory.runs / "one" / "figures" / "main.svg").read_bytes()
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")


SECRET = "nobody may read this"
PATHS = [
    "/api/runs/one/files/../../secret.txt",
    "/api/runs/one/files/..%2f..%2fsecret.txt",
    "/api/runs/one/files/%2e%2e/%2e%2e/secret.txt",
    "/api/runs/one/files/figures/../../../secret.txt",
    "/api/runs/one/files//secret.txt",
    "/api/runs/one/files/..\\..\\secret.txt",
    "/api/runs/one/files/link.txt",
    "/api/runs/one/files/linked/secret.txt",
    "/api/runs/one/files/.lock",
    "/api/runs/..%2f..",
    "/api/runs/../secret.txt",
    "/api/runs/..",
    "/api/runs/.deleted",
    "/api/runs/%00",
    "/api/labs/..%2fsecret.txt",
    "/api/practice/..%2fsecret.py",
    "/api/data/..%2f..%2fsecret.txt/columns",
    "/api/data/..%2fsecret.txt",
    "/../secret.txt",
    "/assets/../../../../../secret.txt",
    "/%2e%2e/%2e%2e/secret.txt",
    "/..%2f..%2f..%2fserver%2fguard.py",
    "/../guard.py",
    "/%00",
    "/" + "x" * 5000,
]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
def test_no_path_leads_out_of_where_it_belongs(method, client, laboratory, tmp_path):
    """Sent as they stand: a browser or a client would clean them up first."""
    secret = tmp_path / "secret.txt"
    secret.write_text(SECRET)
    (laboratory.runs / "one" / "link.txt").symlink_to(secret)
    (laboratory.runs / "one" / "linked").symlink_to(tmp_path)
    for path in PATHS:
        status, kind, text = raw(client, method, path)
        assert SECRET not in text, path
        assert "class Guard" not in text, path
        assert status in (400, 404, 405, 422, 503) or kind.startswith("text/html"), path
        if kind == "application/json":
            assert json.loads(text)["problems"]
    assert secret.read_text() == SECRET
    assert client.get("/api/app").status_code == 200


def raw(client, method, path):
    """Status, kind and text of an answer to exactly this address."""
    connection = http.client.HTTPConnection("127.0.0.1", client.base_url.port, timeout=30)
    connection.putrequest(method, path, skip_accept_encoding=True)
    cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    connection.putheader("Cookie", cookies)
    connection.putheader("Content-Length", "0")
    connection.endheaders()
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, answer.headers.get("content-type", ""), text
