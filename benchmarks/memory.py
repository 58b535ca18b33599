"""Peak memory of many networks that train together, against the bytes that they cannot do without.

Measured in a process of its own: what it holds most at any time, less what it held before the
networks were made. Before that, another small cohort has trained, so that what torch loads at its
first step is not counted.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch
from torch.autograd.graph import saved_tensors_hooks
from torch.nn.functional import cross_entropy

from benchmarks.engine import one_cohort
from benchmarks.tasks import ON_CPU
from pilotlight.engine.arithmetic import one_thread
from pilotlight.engine.step import take_step
from pilotlight.engine.work import work_for

NETWORKS, STEPS = 128, 30


def compare() -> dict[str, Any]:
    """Bytes measured, in a new process, and bytes needed."""
    command = [sys.executable, "-m", "benchmarks", "memory"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    peak = int(json.loads(done.stdout)["peak"])
    needed = needs()
    return {
        "networks": NETWORKS,
        "peak": peak,
        "needed": needed,
        "ratio": peak / sum(needed.values()),
    }


def needs() -> dict[str, int]:
    """Bytes of parameters, velocities, gradients, and what backward needs of one batch."""
    problem = ON_CPU[0].problem(0, "cpu")
    own = {p.untyped_storage().data_ptr() for p in problem.model.parameters()}
    kept: dict[int, int] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    inputs, targets = (t[: problem.settings.batch].clone() for t in problem.train)
    with saved_tensors_hooks(note, lambda tensor: tensor):
        loss = cross_entropy(problem.model(inputs), targets)
    loss.backward()
    parameters = sum(p.nbytes for p in problem.model.parameters())
    per_network = {
        "parameters": parameters,
        "velocities": parameters,
        "gradients": parameters,
        "activations": sum(kept.values()),
    }
    return {name: NETWORKS * size for name, size in per_network.items()}


def measure() -> dict[str, int]:
    """The peak of this process, above what it held when it knew torch and the rows."""
    _train(2)
    before = _most()
    _train(NETWORKS)
    return {"peak": _most() - before}


def _train(networks: int) -> None:
    task = ON_CPU[0]
    plan, material = one_cohort(task, range(networks), "cpu")
    with one_thread():
        work = work_for(task.lab, plan, plan.cohorts[0], material)
        state = work.start()
        for _ in range(STEPS):
            take_step(work, state, work.stretch(state.step))


def _most() -> int:
    """Bytes that this process has held at most.

    Linux hands the mark of getrusage on to a new program, so there it is read from the status.
    """
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (row for row in status.read_text().splitlines() if row.startswith("VmHWM"))
        return 1024 * int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # a Mac tells bytes
