"""What runs answer: verdicts, JSON, networks that diverge, folders that were carried elsewhere."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from command_line import RING, contents, refuse

WILD = '''"""What becomes of a line when the rate is absurd?"""

import torch
from torch import nn
from torch.nn.functional import mse_loss

import pilotlight as pl


def line(settings, generator):
    """A line through noise."""
    inputs = torch.randn(64, 1, generator=generator)
    return inputs, 2 * inputs + 0.1 * torch.randn(64, 1, generator=generator)


lab = pl.Lab(
    area="toys",
    seconds=1,
    text="A toy.",
    data=pl.Data("line", line, per_seed=True),
    model=lambda s: nn.Linear(1, 1),
    train=pl.supervised(mse_loss),
    optimizer=pl.sgd,
    settings=dict(rate=pl.log(1e-4, 1e30, 0.2), batch=16, epochs=8),
    compare=dict(steady={}, slow=dict(rate=1e-4), wild=dict(rate=1e30)),
    seeds=8,
    claims=dict(
        learns=pl.Claim(
            "A line is learned.", "steady", "slow",
            metric="test_loss", at_most=-1.0, expected=pl.SUPPORTED,
        ),
        wild_is_worse=pl.Claim(
            "An absurd rate is worse.", "wild", "steady",
            metric="test_loss", at_least=0.0, expected=pl.SUPPORTED,
        ),
    ),
)
'''
EXPECTED = "expected=pl.SUPPORTED"

RUN_KEYS = ["lab", "evidence", "claims", "exhibits", "run", "seconds", "members", "versions"]
CLAIM_KEYS = ["id", "statement", "verdict", "expected", "effect", "interval", "unit", "seeds"]
CLAIM_KEYS += ["p", "scope"]
EXHIBIT_KEYS = ["id", "passed", "error", "tolerance"]


def check_shape(told: dict, more: tuple[str, ...] = ()) -> None:
    """The documented keys, in order, and what may stand there."""
    assert list(told) == [*RUN_KEYS, *more]
    assert isinstance(told["evidence"], bool)
    assert told["seconds"] >= 0
    for claim in told["claims"]:
        assert list(claim) == CLAIM_KEYS
        assert claim["verdict"] in ("supported", "refuted", "undecided", None)
        assert (claim["verdict"] is not None) is told["evidence"]
        if claim["interval"] is not None:
            low, high = claim["interval"]
            assert low <= claim["effect"] <= high
            assert 0 <= claim["p"] <= 1
    for exhibit in told["exhibits"]:
        assert list(exhibit) == EXHIBIT_KEYS
    assert {"pilotlight", "python", "torch", "numpy"} <= set(told["versions"])


# Networks that diverge


def test_networks_that_diverge_are_counted_and_the_others_have_their_numbers(pilotlight):
    (pilotlight.folder / "wild.py").write_text(WILD, "utf-8")
    done = pilotlight("run", "wild.py", "--out", "run", "--json")
    assert done.code == 0, done.err
    check_shape(done.json)
    learns, worse = done.json["claims"]
    assert learns["verdict"] == "supported"
    assert learns["effect"] < -1
    assert worse["effect"] is not None
    assert worse["effect"] > 0

    folder = pilotlight.folder / "run"
    journal = [
        json.loads(line, parse_constant=refuse)
        for line in (folder / "journal.jsonl").read_text("utf-8").splitlines()
    ]
    diverged = {event["member"] for event in journal if event["kind"] == "diverged"}
    assert diverged == set(range(16, 24))
    losses = {
        member: loss
        for event in journal
        if event.get("final")
        for member, loss in zip(event["members"], event["values"]["test_loss"], strict=True)
    }
    assert {member for member, loss in losses.items() if loss is None} == diverged
    assert max(loss for member, loss in losses.items() if member < 8) < 0.05
    json.loads((folder / "result.json").read_text("utf-8"), parse_constant=refuse)

    said = pilotlight("run", "--resume", "run").out
    assert "- wild: 8 of 8 networks diverged." in said
    page = (folder / "report.html").read_text("utf-8")
    assert "wild: 8 of 8 networks diverged." in page
    assert "nan" not in said.lower().split()


# JSON


def test_one_run_is_an_object_and_several_are_a_list(pilotlight):
    one = pilotlight("run", RING, "--quick", "--json").json
    check_shape(one)
    assert (one["lab"], one["evidence"], one["members"]) == ("ring", False, 9)
    assert [claim["id"] for claim in one["claims"]] == ["sooner", "alike"]
    assert one["claims"][0]["unit"] == "accuracy"
    assert one["exhibits"][0]["passed"] is True
    assert (pilotlight.folder / one["run"] / "result.json").exists()

    several = pilotlight("run", RING, RING, "--quick", "--json").json
    for told in several:
        check_shape(told)
    assert [told["lab"] for told in several] == ["ring", "ring"]
    assert several[0]["run"] != several[1]["run"]
    assert several[0]["claims"] == one["claims"]

    listed = {run["path"] for run in pilotlight("runs", "--json").json}
    assert listed == {told["run"] for told in (one, *several)}


def test_a_plan_in_json_is_what_is_trained(pilotlight, whole):
    plan = pilotlight("run", RING, "--plan", "--json").json
    config = json.loads((whole / "config.json").read_text("utf-8"))
    assert {key: plan[key] for key in config["plan"]} == config["plan"]
    assert list(pilotlight.folder.iterdir()) == []


# Verifying


@pytest.mark.parametrize(
    ("expected", "code"), [(EXPECTED, 0), ("expected=pl.REFUTED", 1), ("expected=pl.UNDECIDED", 1)]
)
def test_verify_ends_with_1_where_a_verdict_is_not_the_expected_one(expected, code, pilotlight):
    text = WILD.replace(EXPECTED, expected, 1)
    (pilotlight.folder / "wild.py").write_text(text, "utf-8")
    done = pilotlight("verify", "wild.py", "--json")
    assert done.code == code, done.err
    (told,) = done.json
    check_shape(told, ("as_expected",))
    assert told["as_expected"] is (code == 0)
    assert told["claims"][0]["verdict"] == "supported"
    config = json.loads((pilotlight.folder / told["run"] / "config.json").read_text("utf-8"))
    assert config["seeds"] == list(range(2000, 2008))
    assert config["command"].startswith("pilotlight verify ")


def test_verify_ends_with_1_where_an_exhibit_fails(pilotlight):
    text = RING.read_text("utf-8").replace("tolerance=1e-6", "tolerance=-1.0")
    (pilotlight.folder / "ring.py").write_text(text, "utf-8")
    done = pilotlight("verify", "ring.py")
    assert done.code == 1
    assert done.out.splitlines()[0] == "ring: NOT as expected"
    assert done.out.splitlines()[-1] == "Not as expected: ring (1 of 1 lab)."
    assert pilotlight("run", "ring.py", "--quick").code == 0


def test_verify_several(pilotlight):
    (pilotlight.folder / "wild.py").write_text(WILD, "utf-8")
    done = pilotlight("verify", "backprop", "wild.py")
    assert done.code == 0, done.err
    assert done.out.splitlines()[-1] == "2 labs verified, all as expected."


# Elsewhere


def test_a_folder_that_was_carried_elsewhere_says_the_same(pilotlight, whole, tmp_path):
    lab = tmp_path / "my_lab.py"
    shutil.copy(RING, lab)
    first = pilotlight("run", lab, "--out", "run", "--json").json
    copy = tmp_path / "memory stick" / "copy"
    copy.parent.mkdir()
    shutil.move(pilotlight.folder / "run", copy)
    lab.unlink()
    before = contents(copy)
    told = pilotlight("report", copy, "--json").json
    assert told == {**first, "run": str(copy)}
    assert told["claims"] == json.loads((whole / "result.json").read_text("utf-8"))["claims"]
    done = pilotlight("report", copy)
    assert (done.code, Path(done.out.strip())) == (0, copy / "report.html")
    changed = {name for name, digest in contents(copy).items() if before[name] != digest}
    assert changed <= {"report.html"}  # it says where it lies
    assert "A wide one is better." in (copy / "report.html").read_text("utf-8")
    shown = pilotlight("run", "--resume", copy)
    assert shown.code == 0, shown.err
    assert "A wide one is better." in shown.out
