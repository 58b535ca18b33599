"""What the planner's fixed rule rests on: is it quicker to train networks together, and how many?

Small networks of several kinds go through the engine's steps one by one and in cohorts of 4 to
128. Seconds are per step of one network, the quickest of several rounds in which all take turns.
"""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from benchmarks import machine, table
from benchmarks.kinds import kinds
from benchmarks.tasks import clock
from pilotlight.core.lab import Lab
from pilotlight.engine.arithmetic import one_thread
from pilotlight.engine.cohort import CohortState
from pilotlight.engine.material import prepare
from pilotlight.engine.plan import Cohort, Plan, make_members
from pilotlight.engine.step import take_step
from pilotlight.engine.work import work_for

SIZES = (1, 4, 8, 16, 24, 32, 64, 128)
ROUNDS, SECONDS = 3, 0.1
HERE = Path(__file__).parent

Found = dict[str, dict[int, list[float]]]
"""Kind -> size of cohort -> seconds per step of one network, round by round."""


class Runner:
    """A cohort of so many networks, ready to take steps and be timed."""

    def __init__(self, lab: Lab, networks: int, device: str, channels_last: bool) -> None:
        # A small rate, so that the numbers stay ordinary however many steps are taken.
        members = make_members(lab, range(networks), {"epochs": 100, "rate": 1e-4})
        cohort = Cohort(0, tuple(range(networks)), "for a benchmark")
        plan = Plan(members, (cohort,), device)
        self._networks, self._now = networks, clock(device)
        self._work = work_for(lab, plan, cohort, prepare(lab, members))
        self._state = self._work.start()
        if channels_last:
            lay_channels_last(self._state)
        self._step()

    def _step(self) -> None:
        take_step(self._work, self._state, self._work.stretch(self._state.step))

    def seconds(self) -> float:
        """Per step of one network, over as many steps as fill a while."""
        started, until, steps = self._now(), time.perf_counter() + SECONDS, 0
        while not steps or time.perf_counter() < until:
            self._step()
            steps += 1
        return (self._now() - started) / (steps * self._networks)


def lay_channels_last(state: CohortState) -> None:
    """Every kernel [N, O, I, H, W] stays as it is, but its inputs I lie side by side in memory."""
    for name, value in state.parameters.items():
        if value.dim() == 5:
            # A clone, as contiguous() leaves the strides of a single input as they are.
            moved = value.detach().movedim(2, 4).clone(memory_format=torch.contiguous_format)
            laid = moved.movedim(4, 2)
            state.parameters[name] = laid.requires_grad_()
            for slots in state.slots:
                for slot in slots.values():
                    slot[name] = torch.zeros_like(laid)


def measure(
    labs: Mapping[str, tuple[Lab, bool]], device: str, sizes: Sequence[int] = SIZES
) -> tuple[Found, list[str]]:
    """Time all kinds in all sizes, in turn; and what torch had to say about them."""
    found: Found = {kind: {n: [] for n in sizes} for kind in labs}
    with one_thread(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        runners = {
            (kind, n): Runner(lab, n, device, channels_last)
            for kind, (lab, channels_last) in labs.items()
            for n in sizes
        }
        for _ in range(ROUNDS):
            for (kind, n), runner in runners.items():
                found[kind][n].append(runner.seconds())
    return found, sorted({str(w.message).partition(". ")[0] for w in caught})


def main(device: str) -> None:
    """Measure all kinds, print a table, write JSON beside this file."""
    load = machine.load()
    found, said = measure(kinds(), device)
    told = {
        "machine": machine.describe(),
        "device": device,
        "load": {"before": load, "after": machine.load()},
        "seconds_per_step": found,
        "said_by_torch": said,
    }
    path = HERE / ("planner.json" if device == "cpu" else f"planner-{device}.json")
    path.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    print(laid_out(found))
    for words in said:
        print(f"torch: {words}.")
    print(f"\nwritten: {path}; load before {load}, after {machine.load()}.")


def laid_out(found: Found) -> str:
    """Microseconds per step of one network, by size of cohort; below, how many times one by one."""
    rows: list[tuple[str, ...]] = []
    for kind, sizes in found.items():
        best = {n: min(seconds) for n, seconds in sizes.items()}
        rows.append((f"{kind}, µs", *(f"{1e6 * s:,.0f}" for s in best.values())))
        rows.append(("- times one by one", *(f"{best[1] / s:.2f}" for s in best.values())))
    sizes_told = [str(n) for n in next(iter(found.values()))]
    return table.laid_out(("networks at once", *sizes_told), rows)
