"""Own data through the page: uploads, what they hold, a look before a fit, a fit."""

from __future__ import annotations

import pytest
from serving import Listener

TABLE = "a,b,kind\n" + "".join(f"{i % 7},{i % 5},{'xy'[i % 2]}\n" for i in range(120))


def upload(client, name="mine.csv", data=TABLE):
    return client.put(f"/api/data/{name}", content=data)


def test_a_file_is_kept_as_it_is(client, laboratory):
    assert upload(client).json() == {"name": "mine.csv", "bytes": len(TABLE)}
    assert (laboratory.runs / "data" / "mine.csv").read_text() == TABLE
    assert client.get("/api/data").json()["files"] == [{"name": "mine.csv", "bytes": len(TABLE)}]
    assert set(laboratory.shelf.names()) == {"one", "two"}


def test_a_name_that_is_taken_by_other_bytes_gets_a_number(client):
    assert upload(client).json()["name"] == "mine.csv"
    assert upload(client).json()["name"] == "mine.csv"
    assert upload(client, data=TABLE + "1,1,x\n").json()["name"] == "mine-2.csv"
    assert upload(client, data=TABLE + "1,1,x\n").json()["name"] == "mine-2.csv"


@pytest.mark.parametrize("declared", [True, False])
def test_what_is_too_large_is_refused_and_leaves_nothing(declared, client, laboratory):
    parts = [b"x" * 10_000] * 11
    content = b"".join(parts) if declared else iter(parts)
    answer = client.put("/api/data/large.csv", content=content)
    assert answer.status_code == 413
    assert "is larger than" in answer.json()["problems"][0]
    assert list((laboratory.runs / "data").iterdir()) == []
    assert client.get("/api/app").status_code == 200


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("program.exe", "unknown ending '.exe'"),
        (".hidden.csv", "will not do"),
        ("a\\b.csv", "will not do"),
        ("-x.csv", "will not do"),
        ("a%0ab.csv", "will not do"),
        ("x" * 200 + ".csv", "will not do"),
    ],
)
def test_a_name_that_will_not_do(name, said, client, laboratory):
    answer = upload(client, name)
    assert answer.status_code == 422
    assert said in answer.json()["problems"][0]
    assert not (laboratory.runs / "data").exists()


def test_what_a_file_holds(client):
    upload(client)
    found = client.get("/api/data/mine.csv/columns").json()
    assert found["rows"] == 120
    assert [(c["name"], c["kind"], c["distinct"]) for c in found["columns"]] == [
        ("a", "number", 7),
        ("b", "number", 5),
        ("kind", "category", 2),
    ]
    assert found["columns"][0]["values"] == "0 to 6"
    assert client.get("/api/data/penguins/columns").json()["rows"] == 344


@pytest.mark.parametrize("name", ["mine.cvs", "secret.csv", "one"])
def test_what_is_not_there(name, client):
    for answer in (client.get(f"/api/data/{name}/columns"), client.delete(f"/api/data/{name}")):
        assert answer.status_code == 422
        assert "unknown file" in answer.json()["problems"][0]


def test_what_is_no_table_is_said(client):
    upload(client, "broken.npz", b"no zip file")
    answer = client.get("/api/data/broken.npz/columns")
    assert answer.status_code == 422
    assert "broken.npz" in answer.json()["problems"][0]


def test_a_file_can_be_removed(client, laboratory):
    upload(client)
    assert client.delete("/api/data/mine.csv").json() == {"name": "mine.csv"}
    assert client.get("/api/data").json()["files"] == []


def test_a_look_trains_nothing_and_warns(client, laboratory):
    upload(client)
    order = {"data": "mine.csv", "target": "kind", "folds": 3, "seeds": 1, "candidates": 2}
    found = client.post("/api/fits/look", json=order).json()
    assert found["classes"] == ["x", "y"]
    assert found["command"].startswith("pilotlight fit ")
    assert found["cost"]["seconds"] > 0
    assert set(laboratory.shelf.names()) == {"one", "two"}


@pytest.mark.parametrize(
    ("order", "status", "said"),
    [
        ({"data": "penguins", "target": "specie"}, 422, "Did you mean 'species'?"),
        ({"data": "penguin", "target": "species"}, 422, "Did you mean 'penguins'?"),
        ({"data": "../two/config.json", "target": "x"}, 422, "unknown file"),
        ({"data": "penguins", "target": "species", "folds": 1}, 422, "folds"),
        ({"data": "penguins", "target": "species", "model": "x.py"}, 400, "unknown field 'model'"),
        ({"data": "penguins"}, 400, "target: a text is needed here."),
    ],
)
@pytest.mark.parametrize("address", ["/api/fits", "/api/fits/look"])
def test_what_cannot_be_fitted_is_refused_in_words(address, order, status, said, client):
    answer = client.post(address, json=order)
    assert answer.status_code == status
    assert any(said in told for told in answer.json()["problems"]), answer.text


def test_a_fit_is_a_run(client):
    upload(client)
    order = {"data": "mine.csv", "target": "kind", "folds": 2, "inner_folds": 2, "seeds": 1}
    with Listener(client) as listener:
        run = client.post("/api/fits", json=order | {"candidates": 1}).json()["run"]
        listener.state(run, "finished")
    page = client.get(f"/api/runs/{run}").json()
    assert (page["kind"], page["target"], page["rows"]) == ("fit", "kind", 120)
    assert 0 <= page["result"]["score"] <= 1
    assert client.get(f"/api/runs/{run}/report").status_code == 200
    answer = client.get(f"/api/runs/{run}/probes")
    assert answer.status_code == 409
    assert "the run of a fit" in answer.json()["problems"][0]
