"""Practice through the page: the same files and checks as in the person's own editor."""

from __future__ import annotations

import pytest
from serving import Listener

from pilotlight.practice import catalogue, source

SOLUTION = source.solution(catalogue.find("momentum").text)
WRONG = SOLUTION.replace("weight.sub_", "weight.add_")


def post(client, what, **given):
    answer = client.post(f"/api/practice/momentum/{what}", json=given or None)
    assert answer.status_code == 200, answer.text
    return answer.json()


def save(client, text, base):
    return client.put("/api/practice/momentum/file", json={"text": text, "base": base})


def test_from_the_task_to_solved(client, tmp_path):
    assert client.get("/api/practice").json()["solved"] == 0
    page = client.get("/api/practice/momentum").json()
    assert page["file"] is None
    assert page["solution"] is None
    assert "velocity" in page["task"]
    begun = post(client, "begin")
    assert begun["new"]
    assert begun["file"]["text"] == page["stub"]
    saved = save(client, WRONG, begun["file"]["base"]).json()["file"]
    path = tmp_path / "practice" / "momentum.py"
    assert path.read_text() == WRONG
    checked = post(client, "check")
    assert not checked["passed"]
    assert checked["mistake"]
    assert checked["base"] == saved["base"]
    assert save(client, SOLUTION, saved["base"]).status_code == 200
    assert post(client, "check")["passed"]
    found = client.get("/api/practice").json()
    assert found["solved"] == 1
    assert next(e for e in found["exercises"] if e["name"] == "momentum")["state"] == "solved"


def test_what_was_changed_elsewhere_is_never_overwritten(client, tmp_path):
    base = post(client, "begin")["file"]["base"]
    path = tmp_path / "practice" / "momentum.py"
    path.write_text("mine, from my editor")
    for told in (base, None, "x"):
        answer = save(client, "from the page", told)
        assert answer.status_code == 409
        assert "changed in another place" in answer.json()["problems"][0]
    assert path.read_text() == "mine, from my editor"
    page = client.get("/api/practice/momentum").json()
    assert save(client, "now", page["file"]["base"]).status_code == 200


def test_a_save_in_an_editor_is_checked_and_told(client, tmp_path):
    post(client, "begin")
    assert post(client, "watch", on=True) == {"watched": ["momentum"]}
    with Listener(client) as listener:
        (tmp_path / "practice" / "momentum.py").write_text(SOLUTION)
        checked = listener.wait(lambda m: m["kind"] == "checked")
        assert checked["exercise"] == "momentum"
        assert checked["checked"]["passed"]
        assert {"kind": "checking", "exercise": "momentum"} in listener.messages
    assert post(client, "watch", on=False) == {"watched": []}


def test_of_more_than_three_files_the_oldest_is_let_go(client):
    for name in ("sgd", "adam", "momentum", "rmsprop"):
        answer = client.post(f"/api/practice/{name}/watch", json={"on": True})
    assert answer.json() == {"watched": ["adam", "momentum", "rmsprop"]}


def test_hints_come_one_by_one_and_a_solution_is_remembered(client):
    of = client.get("/api/practice/momentum").json()["hints_total"]
    assert [post(client, "hint")["number"] for _ in range(of + 1)] == [*range(1, of + 1), of]
    assert len(client.get("/api/practice/momentum").json()["hints_shown"]) == of
    assert post(client, "solution")["solution"] == SOLUTION
    page = client.get("/api/practice/momentum").json()
    assert page["solution"] == SOLUTION
    assert page["solution_shown"]


def test_a_notebook_to_keep(client):
    answer = client.get("/api/practice/momentum/notebook")
    assert answer.json()["nbformat"] == 4
    assert "momentum.ipynb" in answer.headers["content-disposition"]


@pytest.mark.parametrize("name", ["momentu", "momentum.py", "..%2fx.py", "MOMENTUM"])
def test_an_unknown_exercise(name, client):
    for what in ("", "/notebook"):
        answer = client.get(f"/api/practice/{name}{what}")
        assert answer.status_code == 404
        assert answer.json()["problems"]


def test_checking_what_is_not_begun_says_how_to_begin(client):
    answer = client.post("/api/practice/momentum/check")
    assert answer.status_code == 422
    assert "To begin" in answer.json()["problems"][0]
