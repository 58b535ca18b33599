"""Contenders: all that can run here train the same networks; who cannot is left out in words."""

import importlib.util

import pytest
import torch
from benchmarks import compare, contenders
from benchmarks.contenders import FLOOR, PILOTLIGHT, REFERENCE, TENSORS, WHOLE
from benchmarks.tasks import ON_CPU, Task

# Two networks together, two alone, and few steps; lstm needs more to leave chance behind.
EPOCHS = {"mlp": 4, "convnet": 1, "lstm": 1}
SHORT = [Task(name, 1, 2, (2,), {"epochs": epochs}) for name, epochs in EPOCHS.items()]


@pytest.fixture(scope="module", params=SHORT, ids=lambda task: task.name)
def trained(request):
    """A task, who contended, and what they did."""
    able, left_out = contenders.of(request.param, "cpu")
    return request.param, compare.run(request.param, able, "cpu"), left_out


def test_everybody_takes_the_same_steps_and_ends_equally_accurate(trained):
    task, results, _ = trained
    assert compare.disagreements(results) == []
    for result in results:
        if result.name != FLOOR:
            assert len(result.accuracies) == 2
            assert sum(r.steps for r in result.rounds) == 2 * task.steps
        assert result.best > 0


def test_everybody_starts_from_the_same_weights_and_learns(trained):
    task, results, _ = trained
    if task.name == "lstm":
        pytest.skip("22 steps are too few for an LSTM to learn anything")
    for result in results:
        assert all(a > 0.35 for a in result.accuracies), result  # a guess gives 0.1


def test_who_is_there(trained):
    task, results, left_out = trained
    there = {(r.name, r.together) for r in results}
    always = {(REFERENCE, 1), (TENSORS, 1), (PILOTLIGHT, 1), (WHOLE, 1), (FLOOR, 1)}
    assert always <= there
    assert ((PILOTLIGHT, 2) in there) == (task.name != "lstm")
    assert (("scikit-learn", 1) in there) == (task.name == "mlp")
    told = "lstm, Pilotlight together: nn.LSTM cannot be stacked."
    assert (told in left_out) == (task.name == "lstm")


def test_peers_that_are_not_installed_are_left_out_in_words(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    able, left_out = contenders.of(SHORT[0], "cpu")
    assert {c.name for c in able} == {REFERENCE, TENSORS, PILOTLIGHT, WHOLE, FLOOR}
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
