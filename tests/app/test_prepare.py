"""The door: what is refused, what is evidence, and the words that ask for the same run again."""

from __future__ import annotations

import shlex
import shutil
from dataclasses import replace
from types import SimpleNamespace

import pytest

import pilotlight
from pilotlight.app import prepare as room
from pilotlight.app.opening import KEYS
from pilotlight.app.prepare import Prepared, code_hash, prepare, prepare_again
from pilotlight.cli.commands import app
from pilotlight.core.command import VERIFYING, RunCommand
from pilotlight.core.errors import RecordError, UsageError


def test_every_problem_is_told_at_once(path):
    wrong = RunCommand(
        path,
        seeds=0,
        changes={"rat": "1", "dropout": "2", "width": "wide", "epochs": "1.5"},
        compare=("wid", "narrow"),
        device="abacus",
        jobs=0,
    )
    with pytest.raises(UsageError, match="unknown setting 'rat'") as caught:
        prepare(wrong)
    assert list(caught.value.problems) == [
        "unknown setting 'rat'. Did you mean 'rate'?",
        "dropout=2.0: dropout is a number from 0 to 1.",
        "width=wide: width is a whole number from 1 to 64.",
        "epochs=1.5: epochs is a whole number from 1 to 1000.",
        "seeds=0: seeds is a whole number from 1 to 900.",
        "unknown device 'abacus'. There is: auto, cpu, cuda, mps.",
        "unknown comparison 'wid'. Did you mean 'wide'?",
        "jobs=0: jobs is a whole number from 1 to 256.",
    ]


@pytest.mark.parametrize("seeds", [-1, 0, 901])
def test_seeds_stay_apart_from_those_that_choose_and_verify(seeds, path):
    with pytest.raises(UsageError, match=f"seeds={seeds}: seeds is a whole number from 1 to 900"):
        prepare(RunCommand(path, seeds=seeds))


def test_a_value_that_only_a_comparison_makes_wrong_is_told_with_its_comparison(path, lab):
    steep = replace(lab, compare={"wide": {}, "steep": {"rate": lambda s: s.rate * 100}})
    with pytest.raises(UsageError, match=r"^comparison 'steep': rate=3.0: rate is a number from"):
        prepare(RunCommand(steep))


def test_values_need_not_be_texts(path):
    typed = prepare(RunCommand(path, changes={"rate": "0.5", "width": "4"}))
    given = prepare(RunCommand(path, changes={"rate": 0.5, "width": 4}))
    assert given.plan == typed.plan
    assert given.plan.members[0].settings["width"] == 4


# Evidence


def reasons(command: RunCommand) -> list[str]:
    config = prepare(command).config
    assert config["evidence"] is not bool(config["why_no_verdict"])
    return config["why_no_verdict"]


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"quick": True}, ["a quick run"]),
        ({"changes": {"rate": "0.5"}}, ["settings other than the lab's own (rate=0.5)"]),
        (
            {"changes": {"rate": "0.5", "width": "4"}},
            ["settings other than the lab's own (rate=0.5, width=4)"],
        ),
        ({"seeds": 4}, ["4 seeds, where the lab needs 5"]),
        ({"compare": ("narrow",)}, ["some comparisons only (narrow)"]),
        (
            {"quick": True, "seeds": 1, "changes": {"rate": "0.5"}, "compare": ("wide",)},
            [
                "a quick run",
                "settings other than the lab's own (rate=0.5)",
                "1 seeds, where the lab needs 5",
                "some comparisons only (wide)",
            ],
        ),
    ],
)
def test_a_run_for_exploring_says_why(asked, why, path):
    assert reasons(RunCommand(path, **asked)) == why


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"seeds": 5},
        {"seeds": 6},
        {"first_seed": VERIFYING},
        {"device": "cpu"},
        {"jobs": 2},
        {"changes": {"rate": "0.03", "width": 8}},
        {"compare": ("narrow", "wide_and_slow", "wide")},
    ],
)
def test_a_run_of_all_that_the_lab_says_is_evidence(asked, path):
    assert reasons(RunCommand(path, **asked)) == []


def test_an_exact_lab_is_evidence_however_it_is_asked_for():
    exact = prepare(RunCommand("backprop", quick=True, seeds=1))
    assert exact.config["evidence"]
    assert exact.config["seeds"] == []
    assert exact.plan.members == ()


def test_a_quick_run_takes_three_seeds_and_the_settings_that_the_lab_names_for_it(path):
    plan = prepare(RunCommand(path, quick=True)).plan
    assert sorted({m.seed for m in plan.members}) == [1000, 1001, 1002]
    assert {m.settings["epochs"] for m in plan.members} == {2}
    own = prepare(RunCommand(path, quick=True, seeds=4, changes={"epochs": "1"})).plan
    assert len({m.seed for m in own.members}) == 4
    assert {m.settings["epochs"] for m in own.members} == {1}


# The command that a report names


def typed_again(line: str) -> RunCommand:
    """The command that the command line makes of these words."""
    program, *words = shlex.split(line)
    assert program == "pilotlight"
    command, bound, _ = app.parse_args(words, exit_on_error=False, print_error=False)
    given = bound.arguments
    changes = dict(text.split("=", 1) for text in given.get("changes", ()))
    verifying = {"first_seed": VERIFYING} if command.__name__ == "verify" else {}
    return RunCommand(
        *given["names"],
        seeds=given.get("seeds"),
        changes=changes,
        compare=tuple((given.get("compare") or "").split(",")) if "compare" in given else (),
        device=given.get("device", "auto"),
        quick=given.get("quick", False),
        **verifying,
    )


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"first_seed": VERIFYING},
        {"seeds": 2, "quick": True},
        {"changes": {"rate": 1e-4, "width": 4}, "compare": ("narrow", "wide")},
        {"device": "cpu", "changes": {"dropout": "0"}},
    ],
)
def test_the_command_line_asks_for_the_same_plan(asked, path):
    first = prepare(RunCommand(path, **asked))
    again = prepare(typed_again(first.config["command"]))
    assert again.plan == first.plan
    assert again.config["command"] == first.config["command"]
    assert again.config["why_no_verdict"] == first.config["why_no_verdict"]


def test_the_command_line_names_a_lab_of_ours_by_its_name():
    assert prepare(RunCommand("momentum", quick=True)).config["command"] == (
        "pilotlight run momentum --quick"
    )


def test_a_device_that_was_named_is_named_again(lab):
    command = RunCommand(lab, device="cuda")
    assert room.command_line(command, lab).endswith("ring.py --device cuda")


def test_a_path_with_a_space_can_be_pasted(path, lab, tmp_path):
    spaced = tmp_path / "my labs" / "ring.py"
    spaced.parent.mkdir()
    shutil.copy(path, spaced)
    line = prepare(RunCommand(str(spaced))).config["command"]
    assert shlex.split(line) == ["pilotlight", "run", str(spaced)]


# What the run folder says


def test_the_config_holds_what_readers_rely_on(path, lab):
    config = prepare(RunCommand(path)).config
    assert set(KEYS) <= set(config)
    assert config["lab"] == "ring"
    assert config["file"] == path
    assert config["question"] == lab.question
    assert config["seeds"] == [1000, 1001, 1002, 1003, 1004]
    assert config["hashes"]["lab"] == code_hash(lab)
    assert config["versions"]["pilotlight"] == pilotlight.__version__


def test_a_lab_of_ours_is_known_by_its_name_only():
    """Its file lies elsewhere on another machine."""
    assert prepare(RunCommand("momentum", quick=True)).config["file"] == ""


def test_each_seed_has_data_of_its_own_and_each_table_a_hash(path):
    hashes = prepare(RunCommand(path)).config["hashes"]["data"]
    assert len(hashes) == len(set(hashes)) == 5


# Again


def again(prepared: Prepared, **changed) -> Prepared:
    return prepare_again({**prepared.config, **changed})


@pytest.fixture(scope="module")
def prepared(path: str) -> Prepared:
    return prepare(RunCommand(path, changes={"rate": "0.5"}, compare=("narrow",)))


def test_the_same_plan_is_laid_out_again(prepared):
    assert again(prepared).plan == prepared.plan
    assert again(prepared).material.tables.keys() == prepared.material.tables.keys()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ("lab", "Cannot resume: the lab's code changed since this run started."),
        ("data", "Cannot resume: the data changed since this run started."),
        ("torch", r"Cannot resume: this run was started with torch 1.0, here is 2\.\S+"),
        ("pilotlight", "Cannot resume: this run was started with pilotlight 0.0.1, here is"),
    ],
)
def test_what_changed_is_named(changed, said, prepared):
    hashes, versions = prepared.config["hashes"], prepared.config["versions"]
    config = {
        "lab": {"hashes": {**hashes, "lab": "0"}},
        "data": {"hashes": {**hashes, "data": ["0"]}},
        "torch": {"versions": {**versions, "torch": "1.0"}},
        "pilotlight": {"versions": {**versions, "pilotlight": "0.0.1"}},
    }[changed]
    with pytest.raises(RecordError, match=said) as caught:
        again(prepared, **config)
    assert len(caught.value.problems) == 2
    assert caught.value.problems[1].startswith("The numbers would not be of one run.")


def test_all_that_changed_is_named_at_once(prepared):
    versions = {**prepared.config["versions"], "torch": "1.0", "python": "2.7"}
    with pytest.raises(RecordError, match="the lab's code changed") as caught:
        again(prepared, hashes={"lab": "0", "data": []}, versions=versions)
    assert len(caught.value.problems) == 4  # another Python gives the same numbers


def test_a_lab_that_is_gone_is_said(prepared, tmp_path):
    with pytest.raises(UsageError, match=r"gone\.py: there is no such file"):
        again(prepared, file=str(tmp_path / "gone.py"))


def test_a_lab_made_in_a_notebook_has_no_file_to_hash():
    assert code_hash(SimpleNamespace(source="")) == ""
