"""`doctor`: findings for people and machines, and an exit code."""

from __future__ import annotations

import json

import pytest

from pilotlight.app.doctor import Finding, Findings
from pilotlight.cli import doctor, main

FINE = Finding("Cores", "2", "It is enough.")
BAD = Finding("torch", "missing", "Labs cannot run.", "Install it.", "problem")


def examined(monkeypatch: pytest.MonkeyPatch, *items: Finding) -> None:
    monkeypatch.setattr(doctor, "examine", lambda: Findings(items))


def test_findings_are_told_with_meaning_and_advice(monkeypatch, capsys):
    examined(monkeypatch, FINE, BAD)
    assert main(["doctor"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "Cores  2",
        "       It is enough.",
        "torch  missing",
        "       problem: Labs cannot run.",
        "       To do: Install it.",
    ]


def test_findings_in_json(monkeypatch, capsys):
    examined(monkeypatch, FINE)
    assert main(["doctor", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "level": "ok",
        "findings": [
            {"topic": "Cores", "found": "2", "means": "It is enough.", "do": "", "level": "ok"}
        ],
    }


def test_a_warning_is_no_failure(monkeypatch, capsys):
    examined(monkeypatch, Finding("Memory", "1 GB", "It is little.", "Close some.", "warn"))
    assert main(["doctor"]) == 0
    assert "look: It is little." in capsys.readouterr().out
