"""Rounds, the agreement of accuracies, and the ratios that are told."""

import itertools
import json
import math

import pytest
from benchmarks.compare import Result
from benchmarks.contenders import FLOOR, REFERENCE, TENSORS, Contender
from benchmarks.tasks import Task, Trained

from benchmarks import compare, table

TASK = Task("mlp", rounds=3, few=2, together=(4,), changes={"epochs": 1})


def result(name, together, seconds, accuracies):
    return Result(name, together, [Trained(10, 10 * s, tuple(accuracies)) for s in seconds])


def some_results():
    return [
        result(REFERENCE, 1, [8.0, 6.0], [0.95, 0.96]),
        result(TENSORS, 1, [3.0, 4.0], [0.95, 0.97]),
        result("quick", 4, [1.0, 2.0], [0.96, 0.95]),
        result(FLOOR, 1, [1.5], []),
        result(FLOOR, 4, [0.5], []),
    ]


def test_the_quickest_round_counts_and_ratios_follow():
    results = some_results()
    told = results[2].to_json(results)
    assert told["best"] == 1.0
    assert told["times_reference"] == 6.0
    assert told["times_tensors"] == 3.0
    assert told["times_floor"] == 2.0
    assert results[0].to_json(results)["times_floor"] == 4.0
    assert told["accuracy"] == pytest.approx(0.955)
    assert told["networks"] == 4


def test_seeds_are_fresh_in_each_round_and_in_groups_of_the_contenders_size():
    given = []

    def note(task, seeds, device):
        given.append(list(seeds))
        return Trained(task.steps * len(seeds), 1.0)

    compare.run(TASK, [Contender("alone", note), Contender("four", note, 4)], "cpu")
    alone, four = ([s for s in given if len(s) == size] for size in (1, 4))
    assert sorted(itertools.chain(*alone)) == list(range(6))
    assert sorted(itertools.chain(*four)) == list(range(12))


def test_every_other_round_runs_in_reverse():
    given = []

    def named(name):
        def train(task, seeds, device):
            given.append(name)
            return Trained(task.steps * len(seeds), 1.0)

        return Contender(name, train, 4)

    compare.run(TASK, [named("a"), named("b")], "cpu")
    assert "".join(given) == "abbaab"


def test_who_takes_fewer_steps_is_caught():
    lazy = Contender("lazy", lambda task, seeds, device: Trained(task.steps - 1, 1.0), 1)
    with pytest.raises(AssertionError, match="lazy took 42 steps of mlp, not 44"):
        compare.run(TASK, [lazy], "cpu")


def test_who_ends_less_accurate_is_caught():
    results = [
        result(REFERENCE, 1, [1.0], 3 * [0.95, 0.96, 0.94, 0.95]),
        result("half the work", 1, [0.5], 3 * [0.91, 0.92, 0.90, 0.91]),
        result("the same", 1, [1.0], 3 * [0.96, 0.94, 0.95, 0.96]),
    ]
    (words,) = compare.disagreements(results)
    assert words == "half the work, 1 together: accuracy 0.9100, reference 0.9500"


def test_without_spread_the_margin_alone_decides():
    results = [
        result(REFERENCE, 1, [1.0], [0.95, 0.95]),
        result("near", 1, [1.0], [0.945, 0.945]),
        result("far", 1, [1.0], [0.93, 0.93]),
    ]
    assert [words.partition(",")[0] for words in compare.disagreements(results)] == ["far"]


def test_tables_are_well_formed_and_json_has_no_nan():
    results = some_results()
    told = [r.to_json(results) for r in results]
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    lines = table.of_task(told).splitlines()
    assert len(lines) == 2 + len(results)
    assert len({len(line) for line in lines}) == 1
    assert {line.count("|") for line in lines} == {len(table.HEAD) + 1}
    quick = [cell.strip() for cell in lines[4].strip("|").split("|")]
    assert quick == ["quick", "4", "1,000,000.0", "6.00", "3.00", "2.00", "0.955 ± 0.006 (4)", ""]


def test_tables_of_cores_and_memory():
    cores = {
        "first_start_and_tiny_run": 1.4,
        "mlp": {"one": [4.0, 5.0], "two": [2.5], "ratio": 1.6},
    }
    (row,) = table.of_cores(cores).splitlines()[2:]
    assert [cell.strip() for cell in row.strip("|").split("|")] == ["mlp", "4.00", "2.50", "1.60"]
    memory = {"networks": 2, "peak": 3e6, "needed": {"parameters": 1.5e6}, "ratio": 2.0}
    last = table.of_memory(memory).splitlines()[-1]
    assert last.split("|")[2].strip() == "2.00"
    assert math.isclose(float(table.of_memory(memory).splitlines()[2].split("|")[2]), 1.5)
