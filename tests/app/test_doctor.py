"""The doctor looks at fake machines and judges them in plain words."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import types
from importlib import metadata
from pathlib import Path

import pytest
import torch

from pilotlight.app import doctor, machine
from pilotlight.app.machine import Cores, Disk, Memory, Torch


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture(scope="module")
def here() -> doctor.Findings:
    return doctor.examine()


def test_this_machine_is_described_in_full(here):
    assert [item.topic for item in here.items] == [
        "Python",
        "Place",
        "Cores",
        "Memory",
        "Disk",
        "torch",
        "GPU",
        "Packages",
        "Page",
    ]
    assert all(item.found and item.means for item in here.items)
    assert all(item.do for item in here.items if item.level == "problem")


def test_this_machines_torch_and_python_are_the_ones_that_run(here):
    found = {item.topic: item.found for item in here.items}
    assert torch.__version__ in found["torch"]
    assert ".".join(map(str, sys.version_info[:3])) in found["Python"]
    assert f"numpy {metadata.version('numpy')}" in found["Packages"]
    assert "jupytext" not in found["Packages"]  # an extra, not a requirement


def test_json_has_the_worst_level_and_every_field(here):
    answer = json.loads(json.dumps(here.to_json()))
    assert set(answer) == {"level", "findings"}
    assert answer["level"] in ("ok", "warn", "problem")
    assert {tuple(item) for item in answer["findings"]} == {
        ("topic", "found", "means", "do", "level")
    }


def test_the_level_is_the_worst_one():
    items = [doctor.Finding("a", "b", "c", level=level) for level in ("ok", "problem", "warn")]
    assert doctor.Findings(tuple(items)).level == "problem"
    assert doctor.Findings((items[0], items[2])).level == "warn"


# Cores


def test_two_logical_cores_on_one_physical_core_count_once(tmp_path):
    files = {
        f"sys/devices/system/cpu/cpu{i}/topology/{name}": text
        for i in range(4)
        for name, text in (("physical_package_id", "0\n"), ("core_id", f"{i // 2}\n"))
    }
    assert machine.look_at_cores(write(tmp_path, files)).physical == 2


def test_cores_agree_with_the_operating_system():
    cores = machine.look_at_cores()
    assert cores.logical == os.cpu_count()
    assert cores.usable is None or 1 <= cores.usable <= (cores.logical or 1)


@pytest.mark.parametrize(("quota", "usable"), [("100000 100000", 1), ("50000 100000", 1)])
def test_a_containers_share_of_the_cores_is_seen(tmp_path, quota, usable):
    files = {"proc/self/cgroup": "0::/job/step\n", "sys/fs/cgroup/job/cpu.max": quota}
    files["sys/fs/cgroup/cpu.max"] = "max 100000"
    assert machine.look_at_cores(write(tmp_path, files)).usable == usable


def test_unknown_cores_are_said_to_be_unknown(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(machine.platform, "system", lambda: "Windows")
    cores = machine.look_at_cores(tmp_path)
    assert cores == Cores(None, None, None)
    assert doctor.judge_cores(cores).found == (
        "unknown physical, unknown logical, unknown for this process"
    )


def test_one_core_out_of_many_can_be_mended_and_a_single_core_cannot():
    held, single = doctor.judge_cores(Cores(8, 16, 1)), doctor.judge_cores(Cores(1, 1, 1))
    assert (held.level, single.level) == ("warn", "warn")
    assert "--cpus-per-task" in held.do
    assert not single.do
    assert doctor.judge_cores(Cores(2, 4, 4)).level == "ok"


def test_macos_is_asked_by_sysctl(tmp_path, monkeypatch):
    answers = {"hw.physicalcpu": "8\n", "hw.memsize": "17179869184\n"}

    def answer(command, **_):
        return subprocess.CompletedProcess(command, 0, answers[command[-1]], "")

    monkeypatch.setattr(machine.platform, "system", lambda: "Darwin")
    monkeypatch.setattr(subprocess, "run", answer)
    assert machine.look_at_cores(tmp_path).physical == 8
    assert machine.look_at_memory(tmp_path) == Memory(2**34, None)


# Memory and disk

MEMINFO = "MemTotal:  8000000 kB\nMemFree:  1 kB\nMemAvailable:  6000000 kB\n"


def test_memory_is_read_in_bytes(tmp_path):
    root = write(tmp_path, {"proc/meminfo": MEMINFO})
    assert machine.look_at_memory(root) == Memory(8_192_000_000, 6_144_000_000)


@pytest.mark.parametrize(
    "files",
    [
        {"proc/self/cgroup": "0::/job\n", "sys/fs/cgroup/job/memory.max": "1000000000\n"},
        {
            "proc/self/cgroup": "5:cpu:/\n4:memory:/job\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            "sys/fs/cgroup/memory/job/memory.limit_in_bytes": "1000000000\n",
        },
    ],
)
def test_the_limit_of_a_job_or_container_is_seen(tmp_path, files):
    memory = machine.look_at_memory(write(tmp_path, files | {"proc/meminfo": MEMINFO}))
    assert memory.limit == 1_000_000_000
    finding = doctor.judge_memory(memory)
    assert finding.level == "warn"
    assert "this job or container may use 1.0 GB" in finding.found


def test_no_limit_is_no_limit(tmp_path):
    files = {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n"}
    assert machine.look_at_memory(write(tmp_path, files | {"proc/meminfo": MEMINFO})).limit is None


def test_memory_is_enough_little_or_unknown():
    assert doctor.judge_memory(Memory(8 * 10**9, 4 * 10**9)).level == "ok"
    assert doctor.judge_memory(Memory(8 * 10**9, 10**9)).level == "warn"
    assert doctor.judge_memory(Memory(None, None)).found == "unknown, unknown available"


def test_the_disk_under_a_folder_that_is_not_made_yet(tmp_path):
    disk = machine.look_at_disk(tmp_path / "not" / "yet")
    assert (disk.folder, disk.writable) == (tmp_path, True)
    assert disk.free == pytest.approx(shutil.disk_usage(tmp_path).free, abs=10**9)


def test_a_disk_is_good_nearly_full_or_closed(tmp_path):
    assert doctor.judge_disk(Disk(tmp_path, 10**10, True)).level == "ok"
    assert doctor.judge_disk(Disk(tmp_path, 10**8, True)).level == "warn"
    closed = doctor.judge_disk(Disk(tmp_path, 10**10, False))
    assert closed.level == "problem"
    assert "--out" in closed.do


# torch and GPUs


def test_a_missing_torch_is_a_finding(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)  # what import finds when it is not there
    finding = doctor.judge_torch(machine.look_at_torch())
    assert (finding.found, finding.level) == ("missing", "problem")
    assert "Install" in finding.do


def test_a_broken_torch_is_a_finding(monkeypatch):
    broken = types.ModuleType("torch")

    def fail(name):
        raise OSError("libtorch_cpu.so:\ncannot open shared object file")

    broken.__getattr__ = fail
    monkeypatch.setitem(sys.modules, "torch", broken)
    finding = doctor.judge_torch(machine.look_at_torch())
    assert finding.found == "OSError: libtorch_cpu.so: cannot open shared object file"
    assert finding.level == "problem"


def test_warnings_of_torch_are_passed_on_as_findings(monkeypatch):
    def complain():
        import warnings

        warnings.warn("the driver\nis too old", UserWarning, stacklevel=1)
        return 0

    monkeypatch.setattr(torch.cuda, "device_count", complain)
    finding = doctor.judge_torch(machine.look_at_torch())
    assert (finding.means, finding.level) == ("It warns: the driver is too old", "warn")


def test_gpus_are_named_with_their_memory(monkeypatch):
    gpu = types.SimpleNamespace(name="NVIDIA T4", total_memory=16 * 10**9)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda i: gpu)
    finding = doctor.judge_gpu(machine.look_at_torch(), True)
    assert (finding.found, finding.level) == ("NVIDIA T4 (16.0 GB)", "ok")


@pytest.mark.parametrize(
    ("found", "driver", "level", "words"),
    [
        (Torch("2.13.0", "CPU", 2), False, "ok", "train on the CPU"),
        (Torch("2.13.0", "CPU", 2), True, "warn", "CPU build"),
        (Torch("2.13.0", "CUDA 12.8", 2), True, "warn", "nvidia-smi"),
        (Torch("2.13.0", "CPU", 2, apple=True), False, "ok", "--device mps"),
    ],
)
def test_a_gpu_that_is_not_used_is_explained(found, driver, level, words):
    finding = doctor.judge_gpu(found, driver)
    assert finding.level == level
    assert words in finding.means + finding.do


def test_a_driver_is_found_by_its_file(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not machine.has_nvidia_driver(tmp_path)
    assert machine.has_nvidia_driver(write(tmp_path, {"proc/driver/nvidia/version": "580"}))


# Place and packages


@pytest.mark.parametrize(
    ("environment", "place"),
    [
        ({"KAGGLE_KERNEL_RUN_TYPE": "Interactive"}, "kaggle"),
        ({"COLAB_RELEASE_TAG": "release", "JPY_PARENT_PID": "1"}, "colab"),
        ({"SLURM_JOB_ID": "12"}, "slurm"),
        ({"JPY_PARENT_PID": "12"}, "jupyter"),
        ({}, ""),
    ],
)
def test_the_place_is_read_from_the_environment(environment, place, monkeypatch, tmp_path):
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    assert machine.look_at_place({"PATH": str(tmp_path)} | environment) == place
    assert doctor.judge_place(place).topic == "Place"


def test_a_login_node_is_known_by_sbatch_and_warned_of(tmp_path):
    (tmp_path / "sbatch").touch(mode=0o755)
    place = machine.look_at_place({"PATH": str(tmp_path)})
    assert doctor.judge_place(place).level == "warn"


def test_missing_and_old_packages_are_told_with_the_command_that_mends_them():
    packages = {
        "torch": ("2.11", "2.13.0+cpu"),
        "scipy": ("1.11", "1.9.3"),
        "jinja2": ("3.1", ""),
        "numpy": ("1.26", "1.26.0rc1"),
    }
    finding = doctor.judge_packages(packages)
    assert finding.level == "problem"
    assert finding.means == "Missing or too old: scipy, jinja2."
    assert finding.do == 'python -m pip install "scipy>=1.11" "jinja2>=3.1"'
    assert "jinja2 missing" in finding.found


def test_an_uninstalled_pilotlight_is_told(monkeypatch):
    def absent(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", absent)
    assert doctor.judge_packages(machine.required_packages()).level == "warn"


def test_importing_the_doctor_does_not_import_torch():
    code = "import sys, pilotlight.app.doctor; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_page_of_the_app(tmp_path):
    assert not machine.page_is_built(tmp_path)
    (tmp_path / "server" / "page").mkdir(parents=True)
    (tmp_path / "server" / "page" / "index.html").touch()
    assert machine.page_is_built(tmp_path)
    assert doctor.judge_page(True).level == "ok"
    missing = doctor.judge_page(False)
    assert (missing.level, missing.do) == ("warn", "In a clone: make web")
