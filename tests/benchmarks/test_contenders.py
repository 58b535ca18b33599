"""Contenders: all that can run here train the same networks; who cannot is left out in words."""

import importlib.util

import pytest
import torch
from benchmarks.contenders import COMPILED, FLOOR, PILOTLIGHT, REFERENCE, TENSORS, WHOLE
from benchmarks.tasks import ON_CPU, Task

from benchmarks import compare, contenders

# As few steps as tell something: after 88 the dense networks are apart from those after 22.
DENSE = Task("mlp", 1, 8, (8,), {"epochs": 4})
SHORT = [DENSE, *(Task(name, 1, 1, (2,), {"epochs": 1}) for name in ("convnet", "lstm"))]


@pytest.fixture(scope="module", params=SHORT, ids=lambda task: task.name)
def trained(request):
    """A task, what those who can run here did, and who cannot."""
    able, left_out = contenders.of(request.param, "cpu")
    able = [c for c in able if c.name != COMPILED]  # some twenty seconds; it has tests of its own
    return request.param, compare.run(request.param, able, "cpu"), left_out


def test_everybody_takes_the_same_steps_and_ends_equally_accurate(trained):
    task, results, _ = trained
    assert compare.disagreements(results) == []
    for result in results:
        assert result.best > 0
        if result.name != FLOOR:
            networks = task.few if result.together == 1 else result.together
            assert len(result.accuracies) == networks
            assert sum(r.steps for r in result.rounds) == networks * task.steps


def test_who_does_a_quarter_of_the_work_is_caught():
    able = {c.name: c for c in contenders.of(DENSE, "cpu")[0]}
    lazy = Task("mlp", 1, 8, (), {"epochs": 1})
    results = [
        *compare.run(DENSE, [able[REFERENCE]], "cpu"),
        *compare.run(lazy, [able[TENSORS]], "cpu"),
    ]
    (words,) = compare.disagreements(results)
    assert words.startswith(TENSORS)


def test_who_is_there(trained):
    task, results, left_out = trained
    there = {(r.name, r.together) for r in results}
    always = {(REFERENCE, 1), (TENSORS, 1), (PILOTLIGHT, 1), (WHOLE, 1), (FLOOR, 1)}
    assert always <= there
    assert ((PILOTLIGHT, *task.together) in there) == (task.name != "lstm")
    assert (("scikit-learn", 1) in there) == (task.name == "mlp")
    told = "lstm, Pilotlight together: nn.LSTM cannot be stacked."
    assert (told in left_out) == (task.name == "lstm")


def test_peers_that_are_not_installed_are_left_out_in_words(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    able, left_out = contenders.of(SHORT[0], "cpu")
    assert {c.name for c in able} == {
        REFERENCE,
        TENSORS,
        PILOTLIGHT,
        COMPILED,
        WHOLE,
        FLOOR,
    }
    assert left_out == [
        f"mlp, {name}: not installed." for name in ("skorch", "Lightning", "JAX", "scikit-learn")
    ]


def test_a_plain_loop_and_the_engine_start_equal():
    task = SHORT[0]
    again = task.problem(7, "cpu")
    for ours, theirs in zip(
        again.model.parameters(), task.problem(7, "cpu").model.parameters(), strict=True
    ):
        assert torch.equal(ours, theirs)
    assert len(again.train[0]) // again.settings.batch * again.settings.epochs == task.steps


@pytest.mark.parametrize("task", ON_CPU, ids=lambda task: task.name)
def test_jax_computes_what_torch_computes(task):
    pytest.importorskip("jax")
    from benchmarks import jax_peer

    problem = task.problem(0, "cpu")
    inputs = problem.test[0][:16]
    weights = {n: p.detach().numpy() for n, p in problem.model.named_parameters()}
    told = torch.from_numpy(jax_peer.NETWORKS[task.name](weights, inputs.numpy()).__array__())
    torch.testing.assert_close(told, problem.model(inputs).detach(), rtol=1e-4, atol=1e-5)
