"""The floor does the products of a step, and no more: torch's own counter tells."""

import pytest
from benchmarks.tasks import ON_CPU
from torch.nn.functional import cross_entropy
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import floor, memory


def counted(run):
    with FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops()


@pytest.mark.parametrize("name", ["mlp", "convnet"])
def test_as_many_operations_as_a_plain_step(name):
    problem = next(t for t in ON_CPU if t.name == name).problem(0, "cpu")
    inputs, targets = (t[:64] for t in problem.train)
    plain = counted(lambda: cross_entropy(problem.model(inputs), targets).backward())
    parts = floor.layers(name, 1, "cpu")
    assert counted(lambda: [part() for part in parts]) == plain


def test_many_networks_take_so_many_times_the_operations():
    one, many = (counted(floor.dense((64, 64, 64, 10), n, "cpu")) for n in (1, 5))
    assert many == 5 * one


def test_an_lstm_by_the_textbook():
    """Per step and row 2 * 4H * (I + H) forward; twice that backward, but no input's gradient."""
    inputs, hidden, steps, batch = 2, 64, 30, 64
    per_gate = 2 * 4 * hidden * steps * batch
    expected = per_gate * (inputs + hidden) + per_gate * (inputs + hidden) + per_gate * hidden
    assert counted(floor.recurrent(inputs, hidden, steps, "cpu")) == expected


def test_bytes_needed():
    """MLP 64-64-64-10 in float32: counted by hand."""
    parameters = 4 * (2 * (64 * 64 + 64) + 64 * 10 + 10)
    needed = memory.needs()
    assert needed["parameters"] == memory.NETWORKS * parameters
    assert needed["velocities"] == needed["gradients"] == needed["parameters"]
    # Of each row: the input, two hidden layers, the classes' log-probabilities, the target.
    row = 4 * (64 + 64 + 64 + 10) + 8
    spare = needed["activations"] - memory.NETWORKS * 64 * row
    assert 0 <= spare <= memory.NETWORKS * 64  # and the loss, a few bytes
