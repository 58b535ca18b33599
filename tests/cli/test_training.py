"""`run`: what it asks of the app, what it prints where, and how it ends."""

from __future__ import annotations

import json
import sys

import pytest

from pilotlight.cli import main
from pilotlight.core.command import CONFIRMING, RunCommand
from pilotlight.core.errors import LabError
from pilotlight.core.event import Note, Progress

RUN_KEYS = ["lab", "evidence", "claims", "exhibits", "run", "seconds", "members", "versions"]


def test_a_plain_run_asks_for_nothing_but_the_lab(world):
    assert main(["run", "momentum"]) == 0
    assert world.asked == [RunCommand("momentum", first_seed=CONFIRMING)]


def test_every_option_reaches_the_app(world, tmp_path):
    typed = "run momentum --seeds 3 --set rate=0.1 --set shift=-1 --compare old,new --device cpu"
    assert main([*typed.split(), "--quick", "--out", str(tmp_path / "a")]) == 0
    assert world.asked == [
        RunCommand(
            "momentum",
            seeds=3,
            changes={"rate": "0.1", "shift": "-1"},
            compare=("old", "new"),
            device="cpu",
            quick=True,
            out=str(tmp_path / "a"),
        )
    ]


def test_options_may_stand_before_the_name(world):
    assert main(["run", "--set", "rate=a=b", "momentum"]) == 0
    assert world.asked == [RunCommand("momentum", changes={"rate": "a=b"})]


def test_a_lab_file_of_ones_own_is_named_by_its_path(world, labs):
    path = str(labs / "motion" / "momentum.py")
    assert main(["run", path]) == 0
    assert world.asked == [RunCommand(path)]


def test_the_result_goes_to_stdout_and_all_else_to_stderr(world, capsys):
    world.events = [Progress(0, 100), Note("two networks diverged")]
    assert main(["run", "momentum"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "summary of momentum, finished",
        "plot of momentum",
    ]
    assert err.splitlines() == [
        "momentum: Does momentum help? A full run takes 4 seconds.",
        "momentum: 0 % of 100 steps",
        "momentum: two networks diverged",
    ]


def test_json_of_one_name_is_one_object_and_nothing_else(world, capsys):
    assert main(["run", "momentum", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert list(answer) == RUN_KEYS
    assert answer["claims"][0]["verdict"] == "supported"


def test_json_of_several_names_is_a_list(world, capsys):
    assert main(["run", "momentum", "dropout", "--json"]) == 0
    assert [run["lab"] for run in json.loads(capsys.readouterr().out)] == ["momentum", "dropout"]


def test_a_run_that_differs_from_the_expected_still_ends_well(world):
    world.verdicts["momentum"] = "refuted"
    assert main(["run", "momentum"]) == 0


def test_everything_typed_is_checked_before_anything_is_trained(world, capsys):
    typed = "run momentum momentun drop --set rate --set =2 --set a=1 --set a=2 --out x"
    assert main(typed.split()) == 2
    assert world.asked == []
    said = capsys.readouterr().err.splitlines()
    starts = ["unknown lab 'momentun'", "unknown lab 'drop'", "--out x", "--set rate", "--set =2"]
    assert [any(line.startswith(f"pilotlight: {s}") for line in said) for s in starts] == [True] * 5
    assert "pilotlight: --set a=2: a is set twice." in said


def test_a_lab_must_be_named(world, capsys):
    assert main(["run"]) == 2
    assert "name a lab, as in `pilotlight run momentum`" in capsys.readouterr().err


# Resuming


def test_resume_goes_on_with_the_folder(world, capsys):
    assert main(["run", "--resume", "runs/a", "--json"]) == 0
    assert world.asked == ["runs/a"]
    assert list(json.loads(capsys.readouterr().out)) == RUN_KEYS


def test_resume_of_a_finished_run_prints_it(world, capsys):
    world.events = []
    assert main(["run", "--resume", "runs/a"]) == 0
    assert "summary of momentum, finished" in capsys.readouterr().out


def test_resume_takes_nothing_else(world, capsys):
    typed = "run momentum --resume runs/a --seeds 2 --set a=1 --compare b --device auto --quick"
    assert main([*typed.split(), "--plan", "--out", "c"]) == 2
    assert world.asked == []
    assert capsys.readouterr().err == (
        "pilotlight: --resume goes on with what the run's config says. Leave out momentum, "
        "--seeds, --set, --compare, --device, --quick, --plan and --out.\n"
    )


# Planning


def test_a_plan_is_told_and_nothing_is_trained(world, capsys):
    assert main(["run", "momentum", "--plan"]) == 0
    out, err = capsys.readouterr()
    assert [" ".join(line.split()) for line in out.splitlines()] == [
        "momentum: 5 networks on cpu. A full run takes 4 seconds.",
        "3 networks stacked in 1 group equal shapes",
        "2 networks one by one an LSTM",
    ]
    assert err == ""


def test_a_plan_in_json(world, capsys):
    assert main(["run", "momentum", "--plan", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["cohorts"]) == 3
    assert main(["run", "momentum", "dropout", "--plan", "--json"]) == 0
    assert [plan["lab"] for plan in json.loads(capsys.readouterr().out)] == ["momentum", "dropout"]


# Being stopped


def test_ctrl_c_keeps_what_there_is_and_says_how_to_go_on(world, capsys):
    world.events = [Progress(1, 100), KeyboardInterrupt()]
    assert main(["run", "momentum", "dropout"]) == 130
    assert world.stops == 1
    assert [command.lab for command in world.asked] == ["momentum"]
    out, err = capsys.readouterr()
    assert "summary of momentum, stopped" in out
    folder = world.folder / "momentum"
    assert err.splitlines()[-2:] == [
        f"Stopped. What was trained so far is kept in {folder}.",
        f"To go on: pilotlight run --resume {folder}",
    ]


def test_ctrl_c_with_json_leaves_json(world, capsys):
    world.events = [KeyboardInterrupt()]
    assert main(["run", "momentum", "--json"]) == 130
    assert json.loads(capsys.readouterr().out)["lab"] == "momentum"


def test_an_error_in_a_later_lab_does_not_lose_the_earlier_one(world, capsys, monkeypatch):
    start = world.start

    def fail_later(command):
        if command.lab == "dropout":
            raise LabError("a layer is of no use")
        return start(command)

    monkeypatch.setattr(sys.modules["pilotlight.app.running"], "start", fail_later)
    assert main(["run", "momentum", "dropout", "--json"]) == 2
    out, err = capsys.readouterr()
    assert [run["lab"] for run in json.loads(out)] == ["momentum"]
    assert err.endswith("pilotlight: a layer is of no use\n")


# Verifying


def test_verify_uses_seeds_of_its_own_and_ends_well(world, capsys):
    assert main(["verify", "momentum"]) == 0
    assert world.asked == [RunCommand("momentum", first_seed=2000)]
    out = capsys.readouterr().out
    assert "momentum: as expected" in out
    assert out.splitlines()[-1] == "1 lab verified, all as expected."


def test_verify_all_takes_all_labs_and_says_which_differ(world, capsys):
    world.verdicts["momentum"] = "undecided"
    assert main(["verify", "--all"]) == 1
    assert [command.lab for command in world.asked] == ["dropout", "momentum"]
    out = capsys.readouterr().out
    assert "not as expected: the lab expects supported" in out
    assert out.splitlines()[-1] == "Not as expected: momentum (1 of 2 labs)."


def test_verify_in_json(world, capsys):
    world.verdicts["momentum"] = "refuted"
    assert main(["verify", "momentum", "dropout", "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert list(answer[0]) == [*RUN_KEYS, "as_expected"]
    assert [run["as_expected"] for run in answer] == [False, True]


def test_an_exhibit_that_fails_is_not_as_expected(world, capsys):
    world.exhibits_pass = False
    assert main(["verify", "momentum"]) == 1
    assert "sums" in capsys.readouterr().out


@pytest.mark.parametrize("typed", [["verify"], ["verify", "momentum", "--all"]])
def test_verify_takes_names_or_all(typed, world, capsys):
    assert main(typed) == 2
    assert "name labs to verify, or say --all, but not both" in capsys.readouterr().err


def test_ctrl_c_during_verify_judges_only_what_is_whole(world, capsys):
    world.events = [KeyboardInterrupt()]
    assert main(["verify", "momentum", "--json"]) == 130
    assert json.loads(capsys.readouterr().out) == []
