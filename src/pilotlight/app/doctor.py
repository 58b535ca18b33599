"""What this machine has, what that means for Pilotlight, and what to do: in plain words.

The facts come from `machine`; here they are judged.
"""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import pilotlight
from pilotlight.app.machine import (
    Cores,
    Disk,
    Memory,
    Torch,
    has_nvidia_driver,
    look_at_cores,
    look_at_disk,
    look_at_memory,
    look_at_place,
    look_at_torch,
    page_is_built,
    required_packages,
)

Level = Literal["ok", "warn", "problem"]
LEVELS: tuple[Level, ...] = ("ok", "warn", "problem")
LITTLE_MEMORY, LITTLE_DISK = 2_000_000_000, 1_000_000_000
"""Bytes. Below these a warning is given: torch alone takes a quarter of a gigabyte."""


@dataclass(frozen=True)
class Finding:
    """One thing about this machine. `do` is empty where nothing needs doing."""

    topic: str
    found: str
    means: str
    do: str = ""
    level: Level = "ok"


@dataclass(frozen=True)
class Findings:
    """All that was found, in reading order."""

    items: tuple[Finding, ...]

    @property
    def level(self) -> Level:
        """The worst level among them."""
        return max((item.level for item in self.items), key=LEVELS.index)

    def to_json(self) -> dict[str, Any]:
        """The worst level, and each finding with its fields."""
        return {"level": self.level, "findings": [asdict(item) for item in self.items]}


def examine(runs: str = "runs") -> Findings:
    """Look at this machine; `runs` is the folder that runs would go to."""
    torch = look_at_torch()
    return Findings(
        (
            judge_python(),
            judge_place(look_at_place(os.environ)),
            judge_cores(look_at_cores()),
            judge_memory(look_at_memory()),
            judge_disk(look_at_disk(Path(runs))),
            judge_torch(torch),
            judge_gpu(torch, has_nvidia_driver()),
            judge_packages(required_packages()),
            judge_page(page_is_built()),
        )
    )


def judge_python() -> Finding:
    """Python, this system and Pilotlight itself."""
    found = f"Python {platform.python_version()}, {platform.system()}, "
    return Finding(
        "Python",
        f"{found}Pilotlight {pilotlight.__version__}",
        f"Commands run with {sys.executable}.",
    )


def judge_place(place: str) -> Finding:
    """What Colab, Kaggle, Slurm and Jupyter each ask for."""
    return {
        "kaggle": Finding(
            "Place",
            "a Kaggle notebook",
            "Files outside /kaggle/working are lost when the session ends.",
            "Keep runs there: --out /kaggle/working/my_run. Save a version to keep them.",
        ),
        "colab": Finding(
            "Place",
            "Google Colab",
            "Files are lost when the session ends.",
            "Mount your Drive and keep runs there: --out /content/drive/MyDrive/my_run.",
        ),
        "slurm": Finding("Place", "a Slurm job", "A run that the time limit ends can be resumed."),
        "slurm login": Finding(
            "Place",
            "a Slurm cluster, outside a job",
            "This may be a login node, which all users share. Training here disturbs them.",
            "Run labs in a job: srun --cpus-per-task=2 pilotlight run momentum.",
            "warn",
        ),
        "jupyter": Finding("Place", "Jupyter", "A cell can say: import pilotlight as pl."),
        "": Finding("Place", "an ordinary computer", "Runs stay where they are written."),
    }[place]


def judge_cores(cores: Cores) -> Finding:
    """Whether labs take longer than they say."""
    found = (
        f"{_known(cores.physical)} physical, {_known(cores.logical)} logical, "
        f"{_known(cores.usable)} for this process"
    )
    if cores.usable != 1:
        return Finding("Cores", found, "Labs are made for two cores or more.")
    more = "Ask for more: --cpus-per-task for Slurm, --cpus for Docker."
    held = cores.logical is not None and cores.logical > 1
    means = "With one core labs take longer than they say."
    return Finding("Cores", found, means, more if held else "", "warn")


def judge_memory(memory: Memory) -> Finding:
    """Whether there is enough memory to train."""
    found = f"{_size(memory.total)}, {_size(memory.available)} available"
    if memory.limit:
        found += f"; this job or container may use {_size(memory.limit)}"
    known = [amount for amount in (memory.total, memory.available, memory.limit) if amount]
    if not known:
        return Finding("Memory", found, "This system does not say. Labs are made for 2 GB.")
    if min(known) >= LITTLE_MEMORY:
        return Finding("Memory", found, "Enough for the labs.")
    do = "Close other programs, or ask for more: --mem=4G for Slurm, --memory=4g for Docker."
    return Finding("Memory", found, "Labs are made for 2 GB. Less may end a run.", do, "warn")


def judge_disk(disk: Disk) -> Finding:
    """Whether runs can be written."""
    found = f"{_size(disk.free)} free in {disk.folder}"
    if not disk.writable:
        do = "Go to a folder of your own first, or name one: --out FOLDER."
        return Finding("Disk", found, "Runs cannot be written here.", do, "problem")
    if disk.free < LITTLE_DISK:
        do = "See what runs weigh with `pilotlight runs`, and delete what you do not need."
        return Finding("Disk", found, "A run that finds the disk full stops.", do, "warn")
    return Finding("Disk", found, "Runs are written here, in the folder runs.")


def judge_torch(torch: Torch) -> Finding:
    """Whether torch can be used."""
    if torch.error:
        missing = torch.error.startswith("ModuleNotFoundError")
        do = "Install it anew, as pytorch.org/get-started says for your system."
        means = "Labs can be listed but not run."
        return Finding("torch", "missing" if missing else torch.error, means, do, "problem")
    found = f"torch {torch.version}, {torch.build} build, {torch.threads} threads"
    if torch.complaints:
        return Finding("torch", found, f"It warns: {' '.join(torch.complaints)}", "", "warn")
    return Finding("torch", found, "It works.")


def judge_gpu(torch: Torch, driver: bool) -> Finding:
    """Which GPU trains, and why one that is there may not."""
    if torch.gpus:
        found = ", ".join(f"{name} ({_size(memory)})" for name, memory in torch.gpus)
        return Finding("GPU", found, "Networks train on it. To use the CPU: --device cpu.")
    if torch.apple:
        means = "Used only when named: --device mps. Small networks gain nothing there."
        return Finding("GPU", "an Apple GPU", means)
    if not driver:
        return Finding("GPU", "none", "Networks train on the CPU. The labs are made for that.")
    found = "there is an Nvidia driver, but torch uses no GPU"
    if torch.build == "CPU":
        do = "To use the GPU install torch's CUDA build, as pytorch.org/get-started says."
        return Finding("GPU", found, "This is torch's CPU build.", do, "warn")
    do = "See whether nvidia-smi shows the GPU, and whether the driver is new enough for torch."
    return Finding("GPU", found, "Networks train on the CPU.", do, "warn")


def judge_packages(packages: Mapping[str, tuple[str, str]] | None) -> Finding:
    """Whether everything that Pilotlight needs is there and new enough."""
    if packages is None:
        means = "Pilotlight is not installed as a package, so what it needs cannot be looked up."
        do = "In Pilotlight's folder: python -m pip install -e ."
        return Finding("Packages", "unknown", means, do, "warn")
    found = ", ".join(f"{name} {has or 'missing'}" for name, (_, has) in packages.items())
    wanting = [n for n, (least, has) in packages.items() if not has or _older(has, least)]
    if not wanting:
        return Finding("Packages", found, "Everything is there.")
    wanted = " ".join(f'"{n}>={packages[n][0]}"' if packages[n][0] else n for n in wanting)
    means = f"Missing or too old: {', '.join(wanting)}."
    return Finding("Packages", found, means, f"python -m pip install {wanted}", "problem")


def judge_page(built: bool) -> Finding:
    """Whether `pilotlight app` has a page to show."""
    if built:
        return Finding("Page", "built", "pilotlight app opens it in a browser.")
    means = "pilotlight app starts, but has no page to show. All else works."
    return Finding("Page", "not built", means, "In a clone: make web", "warn")


def _older(version: str, least: str) -> bool:
    return _release(version) < _release(least)


def _release(version: str) -> list[int]:
    """The numbers before any suffix: [2, 13, 0] for 2.13.0+cpu."""
    match = re.match(r"[\d.]*", version)
    return [int(part) for part in match[0].split(".") if part] if match else []


def _known(number: int | None) -> str:
    return "unknown" if number is None else str(number)


def _size(size: int | None) -> str:
    return "unknown" if size is None else f"{size / 1e9:.1f} GB"
