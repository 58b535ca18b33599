"""Imports point downward, labs know nothing of one another, and a lab needs little."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import grimp
import pytest

MOST_MODULES = 12
"""So many modules must be read to understand a lab, beside torch and numpy."""

READS_THE_ENGINE = {"pilotlight.labs.foundations.early_stopping"}
"""An exhibit trains by the engine itself: what it hands back after stopping is what is shown."""


@pytest.fixture(scope="module")
def imports() -> grimp.ImportGraph:
    return grimp.build_graph("pilotlight", exclude_type_checking_imports=True, cache_dir=None)


@pytest.fixture(scope="module")
def linter(root: Path) -> dict:
    """What pyproject.toml tells the import linter."""
    return tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]


def labs(imports: grimp.ImportGraph) -> list[str]:
    return sorted(
        module
        for area in imports.find_children("pilotlight.labs")
        for module in imports.find_children(area)
    )


def test_the_import_linter_is_content(root):
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_the_linter_knows_every_room_and_every_area(linter, root):
    contracts = {contract["type"]: contract for contract in linter["contracts"]}
    rooms = {room.strip() for layer in contracts["layers"]["layers"] for room in layer.split("|")}
    source = root / "src" / "pilotlight"
    assert rooms == {path.parent.name for path in source.glob("*/__init__.py")}
    areas = {f"pilotlight.labs.{path.parent.name}.*" for path in source.glob("labs/*/__init__.py")}
    exercises = {"pilotlight.practice.exercises.*"}
    assert set(contracts["independence"]["modules"]) == areas | exercises


def test_a_lab_needs_few_modules_and_no_other_lab(imports):
    found = labs(imports)
    assert "pilotlight.labs.foundations.momentum" in found
    for lab in found:
        needs = imports.find_upstream_modules(lab)
        if lab not in READS_THE_ENGINE:
            assert len(needs) <= MOST_MODULES, f"{lab} needs {sorted(needs)}"
        assert not needs & set(found), lab


def test_core_needs_the_standard_library_only(root):
    code = (
        "import importlib, pkgutil, sys, pilotlight.core as core;"
        "[importlib.import_module(f'{core.__name__}.{m.name}')"
        " for m in pkgutil.iter_modules(core.__path__)];"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        cwd=root / "src",
        capture_output=True,
        text=True,
        check=True,
    )
    foreign = set(done.stdout.split()) - sys.stdlib_module_names - {"__main__", "pilotlight"}
    assert foreign == set()
