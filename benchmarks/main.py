"""The benchmark from its command line: measure, check that all agree, write tables and JSON."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks import (
    compare,
    contenders,
    cores,
    machine,
    memory,
    own_data,
    planner,
    sampler,
    table,
)
from benchmarks.apart import Apart
from benchmarks.tasks import ON_CPU, ON_GPU, Task

HERE = Path(__file__).parent


def main() -> None:
    """Run what was asked for; exit code 1 where contenders did not end equally accurate."""
    asked = _arguments()
    torch.set_num_threads(1)
    if asked.device == "cuda" and not torch.cuda.is_available():
        sys.exit(f"cuda: torch {torch.__version__} sees no Nvidia GPU here. Nothing was measured.")
    if asked.what == "memory":
        print(json.dumps(memory.measure()))
    elif asked.what == "planner":
        planner.main(asked.device)
    elif asked.what == "own-data":
        _apart("own-data", own_data)
    elif asked.what == "sampler":
        _apart("sampler", sampler)
    else:
        sys.exit(_compare(asked.device))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("what", nargs="?", default="compare", choices=_WORDS, help=_HELP)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    return parser.parse_args()


_WORDS = ("compare", "own-data", "sampler", "planner", "memory")
_HELP = (
    "compare with peers; a search on own data beside scikit-learn's; settings that Optuna proposes "
    "against an even spread; what the planner's rule rests on; peak memory of this process"
)


def _compare(device: str) -> int:
    started, load = time.perf_counter(), machine.load()
    chosen = ON_CPU if device == "cpu" else ON_GPU
    tasks = {task.name: _task(task, device) for task in chosen}
    found: dict[str, Any] = {
        "machine": machine.describe(),
        "device": device,
        "tasks": tasks,
        "left_out": [*(words for t in tasks.values() for words in t.pop("left_out"))],
        "disagreements": [words for t in tasks.values() for words in t.pop("disagreements")],
    }
    if device == "cpu":
        found["cores"] = _said("two cores against one", cores.compare(), table.of_cores)
        found["memory"] = _said("peak memory", memory.compare(), table.of_memory)
    found["load"] = {"before": load, "after": machine.load()}
    found["seconds"] = round(time.perf_counter() - started, 1)
    _write(found, device)
    for words in (*found["left_out"], *found["disagreements"]):
        print(words)
    print(f"{found['seconds']:.0f} s; load before {load}, after {found['load']['after']}.")
    return 1 if found["disagreements"] else 0


def _apart(name: str, what: Any) -> None:
    """A comparison that has a file of its own: `what` measures and lays out."""
    load = machine.load()
    found = {"machine": machine.describe(), **what.compare()}
    found["load"] = {"before": load, "after": machine.load()}
    print(what.tables(found))
    _write(found, name)


def _task(task: Task, device: str) -> dict[str, Any]:
    started = time.perf_counter()
    able, left_out = contenders.of(task, device)
    with Apart() as apart:
        results = compare.run(task, able, device, apart.train)
    told = [r.to_json(results) for r in results]
    print(f"\n{task.name}: {task.lab.question}\n{table.of_task(told)}", flush=True)
    return {
        "question": task.lab.question,
        "steps": task.steps,
        "seconds": round(time.perf_counter() - started, 1),
        "contenders": told,
        "left_out": left_out,
        "disagreements": [f"{task.name}, {d}" for d in compare.disagreements(results)],
    }


def _said(title: str, found: dict[str, Any], lay_out: Any) -> dict[str, Any]:
    print(f"\n{title}\n{lay_out(found)}", flush=True)
    return found


def _write(found: dict[str, Any], device: str) -> None:
    path = HERE / ("results.json" if device == "cpu" else f"results-{device}.json")
    path.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    print(f"\nwritten: {path}")
