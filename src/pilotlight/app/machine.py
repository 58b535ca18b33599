"""What this machine has: facts for `doctor` and the planner; None for what the system keeps back.

torch is imported only while looking at it, and one that is missing or broken is a fact too.
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
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

_ROOT = Path("/")


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


def page_is_built(package: Path = Path(__file__).parents[1]) -> bool:
    """Whether the page of `pilotlight app` lies in the package; a clone has to build it."""
    return (package / "server" / "page" / "index.html").is_file()


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
