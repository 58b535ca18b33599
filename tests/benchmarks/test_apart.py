"""Ours and theirs train in processes apart, with the numbers they give here."""

from benchmarks.apart import Apart
from benchmarks.contenders import PILOTLIGHT, REFERENCE
from benchmarks.tasks import ON_CPU

from benchmarks import contenders


def test_both_processes_train_what_this_one_would():
    task = ON_CPU[0]
    able = {c.name: c for c in contenders.of(task, "cpu")[0] if c.together == 1}
    with Apart() as apart:
        for name in (PILOTLIGHT, REFERENCE):
            there = apart.train(able[name], task, [3], "cpu")
            here = able[name].train(task, [3], "cpu")
            assert (there.steps, there.accuracies) == (here.steps, here.accuracies)
            assert there.seconds > 0
