"""The plain script of every lab runs where this package is not to be had."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from pilotlight.core.errors import LabError, UsageError
from pilotlight.core.settings import resolve
from pilotlight.engine.script import script
from pilotlight.labs.catalogue import entries, load

TOYS = sorted(Path(__file__).parent.parent.joinpath("toys").glob("*.py"))
LABS = {path.stem: str(path) for path in TOYS} | {e.name: e.name for e in entries()}

# Runs each script of a folder, short, in one process that cannot import this package.
RUNNER = """
import contextlib, io, json, pathlib, sys, traceback
sys.modules["pilotlight"] = None
import torch
torch.set_num_threads(1)
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.py")):
    space, printed, went = {"__name__": "plain_script"}, io.StringIO(), "fine"
    try:
        with contextlib.redirect_stdout(printed):
            exec(compile(path.read_text(), str(path), "exec"), space)
            if "train" in space:
                first = next(iter(space["COMPARISONS"].values()))
                short = {"epochs": 1, "steps": 3, "measure_every": 3}
                changes = {n: v for n, v in short.items() if n in first}
                model, history = space["train"](**changes)
                assert isinstance(model, torch.nn.Module) and len(history) >= 2, history
            else:
                for exhibit, tolerance in space["EXHIBITS"]:
                    found = exhibit()
                    error = found[0] if isinstance(found, tuple) else found
                    assert error <= tolerance, exhibit.__name__
    except Exception:
        went = traceback.format_exc()
    print(json.dumps({"name": path.stem, "went": went}))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """All plain scripts, each in a file of its lab's name."""
    made = tmp_path_factory.mktemp("scripts")
    for name, lab in LABS.items():
        (made / f"{name}.py").write_text(script(load(lab)))
    return made


@pytest.fixture(scope="module")
def outcome(folder):
    """What became of each script, by its lab's name."""
    told = subprocess.run(
        [sys.executable, "-c", RUNNER, str(folder)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        cwd=folder,
    )
    lines = [json.loads(line) for line in told.stdout.splitlines()]
    return {line["name"]: line["went"] for line in lines}


@pytest.mark.parametrize("name", LABS)
def test_it_runs_without_this_package(outcome, name):
    assert outcome[name] == "fine"


@pytest.mark.parametrize("name", LABS)
def test_it_imports_nothing_of_this_package(folder, name):
    tree = ast.parse((folder / f"{name}.py").read_text())
    found = {
        module.split(".")[0]
        for node in ast.walk(tree)
        for module in (
            [a.name for a in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert "pilotlight" not in found
    assert found <= {"torch", "numpy", "sklearn", "scipy", *sys.stdlib_module_names}


@pytest.mark.parametrize("name", LABS)
def test_it_opens_with_the_labs_question_and_ends_by_running(folder, name):
    lab, text = load(LABS[name]), (folder / f"{name}.py").read_text()
    assert ast.get_docstring(ast.parse(text)).splitlines()[0] == lab.question
    assert 'if __name__ == "__main__":' in text


@pytest.mark.parametrize("name", LABS)
def test_its_settings_are_the_labs(folder, name):
    lab = load(LABS[name])
    if not lab.trains:
        return
    tree = ast.parse((folder / f"{name}.py").read_text())
    node = next(
        n.value
        for n in tree.body
        if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "COMPARISONS"
    )
    told = eval(compile(ast.Expression(node), "settings", "eval"), {"dict": dict})
    assert list(told) == list(lab.compare)
    for comparison, own in lab.compare.items():
        assert told[comparison] == pytest.approx(dict(resolve(lab.declared, {}, own, comparison)))


def test_all_scripts_are_free_of_the_errors_that_pyflakes_finds(folder):
    told = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", "--select=F", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout


def test_it_runs_as_a_program(tmp_path):
    lab = load(LABS["own_actions"])
    path = tmp_path / "plain.py"
    path.write_text(script(lab).replace("steps=100", "steps=20"))
    told = subprocess.run(
        [sys.executable, str(path)], capture_output=True, text=True, check=True, timeout=60
    )
    assert told.stdout.startswith("20 {'better_arm': 0.")


# --- what it shows ---


def test_it_shows_the_asked_comparison_and_seed():
    text = script(load("momentum"), "average", 7)
    assert 'def train(comparison="average", seed=7, dtype' in text


def test_without_a_wish_it_shows_the_first_claims_comparison():
    assert 'def train(comparison="heavy_ball", seed=1000, dtype' in script(load("momentum"))


def test_an_unknown_comparison_names_the_nearest():
    with pytest.raises(UsageError, match=r"unknown comparison 'averag'\. Did you mean 'average'\?"):
        script(load("momentum"), "averag")


def test_a_lab_without_a_file_has_no_script(tiny):
    with pytest.raises(UsageError, match="A lab made in a notebook has no script"):
        script(tiny())


def test_a_lab_of_exhibits_shows_them():
    text = script(load("backprop"))
    assert "EXHIBITS = [" in text
    assert "def train" not in text


# --- names that the program needs itself ---

CLASHING = '''"""Does a name clash?"""

import torch
from torch import nn

from pilotlight.core.lab import Lab
from pilotlight.engine.steps import Phase, Training, normal


def {phase}(m, batch, settings, state):
    return m(batch.noise.x).mean(), {{}}, state


def {builder}(settings):
    return nn.Linear(2, 1)


def watch(m, batch, settings, state):
    return {{"size": m.weight.sum()}}


lab = Lab(
    area="toys",
    seconds=1,
    text="",
    model={builder},
    train=Training([Phase({phase})], watch, noise=lambda s: dict(x=normal(s.batch, 2))),
    settings=dict(rate=0.1, batch=4, steps=4, measure_every=2),
    compare=dict(only={{}}),
)
'''


@pytest.mark.parametrize(
    ("names", "clash"),
    [
        ({"phase": "loss"}, "loss"),
        ({"phase": "train"}, "train"),
        ({"phase": "measure"}, "measure"),
        ({"phase": "draw"}, "draw"),
        ({"builder": "model"}, "model"),
        ({"builder": "kept"}, "kept"),
    ],
)
def test_a_name_that_the_program_needs_itself_is_told(tmp_path, names, clash):
    path = tmp_path / "own.py"
    path.write_text(CLASHING.format(**{"phase": "move", "builder": "build", **names}))
    with pytest.raises(LabError, match=f"it needs the name '{clash}' itself; rename yours"):
        script(load(str(path)))


def test_other_names_are_free(tmp_path):
    path = tmp_path / "own.py"
    path.write_text(CLASHING.format(phase="descend", builder="network"))
    assert "model = network(settings)" in script(load(str(path)))
