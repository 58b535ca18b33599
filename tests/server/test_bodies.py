"""What is sent to the server: JSON of the right form, or a refusal in words."""

from __future__ import annotations

import pytest

MALFORMED = [
    b"",
    b"{",
    b"[1, 2",
    b"\xff\xfe",
    b'"text"',
    b"[]",
    b"null",
    b"NaN",
    b"[" * 100_000,
    b'{"lab": 3}',
    b'{"lab": "momentum", "changes": []}',
    b'{"lab": "momentum", "changes": {"rate": {}}}',
    b'{"lab": "momentum", "compare": "plain"}',
    b'{"lab": "momentum", "quick": 1}',
]


@pytest.mark.parametrize("content", MALFORMED)
def test_malformed_json_is_refused_in_words_and_the_server_lives_on(content, served):
    answer = served.client.post("/api/commands", content=content)
    assert answer.status_code == 400
    assert all(problem.endswith((".", "?")) for problem in answer.json()["problems"])
    assert served.client.get("/api/app").status_code == 200


def test_all_that_is_wrong_is_said_at_once(served):
    answer = served.client.post("/api/commands", json={"sed": 1, "quick": "yes", "seeds": True})
    assert answer.json()["problems"] == [
        "unknown field 'sed'. Did you mean 'seeds'?",
        "lab: a text is needed here.",
        "seeds: a whole number is needed here.",
        "quick: true or false is needed here.",
    ]


def test_too_much_is_refused(served):
    answer = served.client.post("/api/commands", content=b" " * (5 * 2**20))
    assert answer.status_code == 413
    assert answer.json()["problems"] == ["At most 4 MB can be sent here."]


def test_null_is_what_was_not_given(served):
    order = {"lab": "momentum", "seeds": None, "changes": None, "compare": None}
    answer = served.client.post("/api/commands", json=order)
    assert answer.json()["command"] == "pilotlight run momentum"


def test_what_is_not_there_and_what_cannot_be_done(served):
    for method, path, status in (
        ("GET", "/api/nothing", 404),
        ("PUT", "/api/runs", 405),
        ("POST", "/lab/momentum", 405),
        ("GET", "/api/labs/momentun", 404),
    ):
        answer = served.client.request(method, path)
        assert answer.status_code == status
        assert answer.json()["problems"]


LAB_ROWS = "/api/labs/momentum/rows?comparison=plain&seed=0&rows="


@pytest.mark.parametrize(
    ("address", "status", "problem"),
    [
        (LAB_ROWS, 400, "rows='': a whole number is needed here."),
        (LAB_ROWS + "1,x", 400, "rows='x': a whole number is needed here."),
        (LAB_ROWS + "-1", 400, "rows='-1': a whole number is needed here."),
        (LAB_ROWS + "9" * 5000, 400, "rows='9999999999': a whole number is needed here."),
        (LAB_ROWS + "1," * 30 + "1", 400, "rows: 31 of them; at most 24 can be asked for."),
        (LAB_ROWS + "1797", 422, "rows=1797: the rows of momentum go from 0 to 1796."),
        ("/api/labs/momentum/rows?comparison=plain&rows=1", 400, "seed='': a whole number"),
        ("/api/labs/momentum/rows?seed=0&rows=1", 422, "unknown comparison ''"),
    ],
)
def test_numbers_in_an_address_are_checked(served, address, status, problem):
    answer = served.client.get(address)
    assert answer.status_code == status
    assert answer.json()["problems"][0].startswith(problem)
