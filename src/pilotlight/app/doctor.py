"""What this machine has, what that means for Pilotlight, and what to do: in plain words.

Looking (functions that return facts, None for what the system does not tell) is kept apart from
judging (functions of facts that return findings). torch is imported only while looking, and a
torch that is missing or broken is a finding like any other.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import pilotlight

Level = Literal["ok", "warn", "problem"]
LEVELS: tuple[Level, ...] = ("ok", "warn", "problem")
LITTLE_MEMORY, LITTLE_DISK = 2_000_000_000, 1_000_000_000
"""Bytes. Below these a warning is given: torch alone takes a quarter of a gigabyte."""
_ROOT = Path("/")


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
        )
    )


# Looking


@dataclass(frozen=True)
class Cores:
    """Numbers of cores; `usable` is how many this process is allowed to keep busy."""

    physical: int | None
    logical: int | None
    usable: int | None


@dataclass(frozen=True)
class Memory:
    """Bytes. `limit` is what a job or container may use where that is less than all."""

    total: int | None
    available: int | None
    limit: int | None = None


@dataclass(frozen=True)
class Disk:
    """Where runs go, its free bytes, and whether a run may be written there."""

    folder: Path
    free: int
    writable: bool


@dataclass(frozen=True)
class Torch:
    """The installed torch. `error` says why it cannot be used; then nothing else is known.

    `gpus` holds name and memory in bytes; `complaints` are warnings given while looking.
    """

    version: str = ""
    build: str = ""
    threads: int = 0
    gpus: tuple[tuple[str, int], ...] = ()
    apple: bool = False
    complaints: tuple[str, ...] = ()
    error: str = ""


def look_at_cores(root: Path = _ROOT) -> Cores:
    """The cores of this machine. `root` stands for / in tests."""
    logical = os.cpu_count()
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else logical
    quotas = [
        max(1, int(quota) // int(period))
        for text in _group_files(root, "", "cpu.max")
        for quota, period in [text.split()]
        if quota != "max"
    ]
    return Cores(_physical_cores(root), logical, min([usable, *quotas]) if usable else None)


def _physical_cores(root: Path) -> int | None:
    topologies = root.glob("sys/devices/system/cpu/cpu[0-9]*/topology")
    cores = {
        (_read(folder / "physical_package_id"), _read(folder / "core_id")) for folder in topologies
    }
    return len(cores) or _mac("hw.physicalcpu")


def look_at_memory(root: Path = _ROOT) -> Memory:
    """The memory of this machine. `root` stands for / in tests."""
    found = dict(re.findall(r"^(\w+):\s+(\d+) kB", _read(root / "proc/meminfo"), re.MULTILINE))
    total, available = (
        int(found[name]) * 1024 if name in found else None for name in ("MemTotal", "MemAvailable")
    )
    total = total or _mac("hw.memsize")
    texts = _group_files(root, "", "memory.max")
    texts += _group_files(root, "memory", "memory.limit_in_bytes")
    limit = min((int(text) for text in texts if text.isdigit()), default=None)
    return Memory(total, available, limit if limit and limit < (total or limit) else None)


def look_at_disk(runs: Path) -> Disk:
    """The disk under a folder that need not exist yet."""
    folder = runs.absolute()
    folder = next(path for path in (folder, *folder.parents) if path.exists())
    return Disk(folder, shutil.disk_usage(folder).free, os.access(folder, os.W_OK))


def look_at_torch() -> Torch:
    """Import torch and ask it what it can use."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            return _ask_torch(caught)
        except Exception as error:  # a broken build may raise anything
            what = " ".join(str(error).split()) or "no reason given"
            return Torch(error=f"{type(error).__name__}: {what}")


def _ask_torch(caught: Sequence[warnings.WarningMessage]) -> Torch:
    import torch

    gpus = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
    cuda, rocm = torch.version.cuda, getattr(torch.version, "hip", None)
    return Torch(
        version=str(torch.__version__),
        build=f"CUDA {cuda}" if cuda else f"ROCm {rocm}" if rocm else "CPU",
        threads=torch.get_num_threads(),
        gpus=tuple((gpu.name, gpu.total_memory) for gpu in gpus),
        apple=torch.backends.mps.is_available(),
        complaints=tuple(" ".join(str(w.message).split()) for w in caught),
    )


def has_nvidia_driver(root: Path = _ROOT) -> bool:
    """Whether an Nvidia driver is installed, whatever torch thinks of it."""
    return (root / "proc/driver/nvidia/version").exists() or bool(shutil.which("nvidia-smi"))


def look_at_place(environment: Mapping[str, str]) -> str:
    """Where this runs: kaggle, colab, slurm, slurm login, jupyter, or an empty text."""
    marks = {
        "kaggle": "KAGGLE_KERNEL_RUN_TYPE" in environment,
        "colab": "COLAB_RELEASE_TAG" in environment,
        "slurm": "SLURM_JOB_ID" in environment,
        "slurm login": bool(shutil.which("sbatch", path=environment.get("PATH"))),
        "jupyter": "JPY_PARENT_PID" in environment or "ipykernel" in sys.modules,
    }
    return next((place for place, marked in marks.items() if marked), "")


def required_packages() -> dict[str, tuple[str, str]] | None:
    """Package -> (least version, installed version or ""); None if Pilotlight is not installed."""
    try:
        lines = metadata.requires("pilotlight") or []
    except metadata.PackageNotFoundError:
        return None
    found = [re.match(r"([\w.-]+)(?:\s*>=\s*([\d.]+))?", s) for s in lines if "extra ==" not in s]
    return {match[1]: (match[2] or "", _installed(match[1])) for match in found if match}


def _installed(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _read(path: Path) -> str:
    """The text of a small system file, empty where there is none."""
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _mac(name: str) -> int | None:
    """A number that macOS keeps under this name; None elsewhere."""
    if platform.system() != "Darwin":
        return None
    done = subprocess.run(["sysctl", "-n", name], capture_output=True, text=True, check=False)
    return int(done.stdout) if done.stdout.strip().isdigit() else None


def _group_files(root: Path, controller: str, file: str) -> list[str]:
    """What a file says in this process's control group and in those above it (Linux only).

    Jobs and containers are limited there. `controller` is empty for control groups version 2.
    """
    texts: list[str] = []
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, group = line.split(":", 2)
        if controllers == controller:
            top = root / "sys/fs/cgroup" / controller
            here = top / group.strip("/")
            folders = [here, *(path for path in here.parents if path.is_relative_to(top))]
            texts += filter(None, (_read(folder / file) for folder in folders))
    return texts


# Judging


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
