"""Exit codes, messages and the tested list of commands and options."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

import pilotlight
from pilotlight.cli import main
from pilotlight.core.errors import LabError, UsageError

# Growth is a decision: a new command or option is an edit of this list.
OPTIONS = {
    "list": {"--json"},
    "show": {"--script", "--comparison"},
    "run": {
        "--seeds",
        "--set",
        "--compare",
        "--device",
        "--quick",
        "--compile",
        "--plan",
        "--resume",
        "--out",
        "--jobs",
        "--json",
    },
    "verify": {"--all", "--jobs", "--json"},
    "fit": {
        "--target",
        "--group",
        "--in",
        "--task",
        "--types",
        "--leave",
        "--folds",
        "--inner",
        "--seeds",
        "--candidates",
        "--budget",
        "--bin",
        "--no",
        "--sampler",
        "--model",
        "--device",
        "--dry",
        "--resume",
        "--out",
        "--jobs",
        "--json",
    },
    "predict": {"--json"},
    "practice": {"--hint", "--solution", "--notebook", "--json"},
    "check": {"--watch", "--json"},
    "runs": {"--root", "--json"},
    "report": {"--json", "--open"},
    "diagnose": {"--json"},
    "app": {"--port", "--no", "--runs", "--allow", "--root"},
    "doctor": {"--json"},
}

# The command line with other labs, and a refusal to go on if torch was imported.
HERE = """
import sys
from pathlib import Path
from pilotlight.cli import main
from pilotlight.labs import catalogue
catalogue.HOME = Path(sys.argv[1])
code = main(sys.argv[2:])
assert "torch" not in sys.modules
sys.exit(code)
"""


def python(*arguments: str, **options):
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def test_the_commands_are_these(capsys):
    assert main(["--help"]) == 0
    listed = capsys.readouterr().out.partition("Commands:")[2]
    assert set(re.findall(r"^  (\w+):", listed, re.MULTILINE)) == set(OPTIONS)


@pytest.mark.parametrize("command", OPTIONS)
def test_each_command_has_these_options_and_an_example(command, capsys):
    assert main([command, "--help"]) == 0
    said = capsys.readouterr().out
    assert set(re.findall(r"^  (--\w+)", said, re.MULTILINE)) == OPTIONS[command]
    assert re.search(rf"^Example: pilotlight {command}\b", said, re.MULTILINE)


def test_the_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == pilotlight.__version__


def test_nothing_typed_shows_help(capsys):
    assert main([]) == 0
    assert "Usage: pilotlight" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["rn"], 'Unknown command "rn". Did you mean "run"?'),
        (["run", "momentum", "--sedes", "3"], "Unknown option: --sedes. Did you mean --seeds?"),
        (["run", "momentun"], "unknown lab 'momentun'. Did you mean 'momentum'?"),
        (["show", "momentun"], "unknown lab 'momentun'. Did you mean 'momentum'?"),
        (["run", "momentum", "--device", "cudo"], 'Did you mean "cuda"?'),
        (["run", "momentum", "--seeds", "few"], "--seeds few: a whole number is needed. See: "),
        (
            ["run", "momentum", "--seeds"],
            "--seeds requires an argument. See: pilotlight run --help",
        ),
        (["list", "all"], "there is nothing that takes 'all' here. See: pilotlight list --help"),
        (["show"], "NAME requires an argument."),
        (["frobnicate"], "Available commands: list, show, run, verify, fit, predict, "),
    ],
)
def test_wrong_use_is_one_plain_line_on_stderr(typed, said, labs, capsys):
    assert main(typed) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("pilotlight: ")
    assert said in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("error", [UsageError("one", "two"), LabError("one", "two")])
def test_all_problems_are_told_one_on_a_line(error, world, capsys):
    world.error = error
    assert main(["run", "momentum"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[-2:] == ["pilotlight: one", "pilotlight: two"]


def test_ctrl_c_before_training_is_130_without_a_traceback(world, capsys):
    world.error = KeyboardInterrupt()
    assert main(["run", "momentum"]) == 130
    assert capsys.readouterr().err.endswith("pilotlight: stopped.\n")


def test_a_missing_package_is_told(world, capsys):
    world.error = ModuleNotFoundError("No module named 'torch'", name="torch")
    assert main(["run", "momentum"]) == 2
    assert "the package 'torch' is missing. `pilotlight doctor` says" in capsys.readouterr().err


def test_a_missing_module_of_our_own_is_a_fault_and_shown_as_one(world):
    world.error = ModuleNotFoundError("No module", name="pilotlight.nothing")
    with pytest.raises(ModuleNotFoundError, match="No module"):
        main(["run", "momentum"])


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_went_away_is_no_error(unbuffered, labs):
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-c", HERE, str(labs), "list"],
        stdout=writing,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_an_old_console_gets_a_replacement_for_what_it_lacks(labs):
    path = labs / "noise" / "dropout.py"
    path.write_text(path.read_text().replace("dropout help", "dropout \N{SNOWMAN} help"))
    done = python("-c", HERE, str(labs), "list", env=os.environ | {"PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "dropout ? help" in done.stdout


def worked():
    """Seconds of processor time that ended child processes have taken."""
    spent = os.times()
    return spent.children_user + spent.children_system


@pytest.mark.parametrize("typed", [["list"], *([command, "--help"] for command in OPTIONS)])
def test_list_and_help_appear_at_once_and_without_torch(typed, labs):
    # seconds of work, not of waiting: the machine may be busy with something else
    times = []
    while not times or (min(times) > 0.3 and len(times) < 10):
        start = worked()
        done = python("-c", HERE, str(labs), *typed)
        times.append(worked() - start)
        assert (done.returncode, done.stderr) == (0, "")
    assert min(times) <= 0.3


def test_python_m_pilotlight_is_the_same(capsys):
    assert python("-m", "pilotlight", "rn").returncode == 2
    assert python("-m", "pilotlight", "--version").stdout.strip() == pilotlight.__version__
