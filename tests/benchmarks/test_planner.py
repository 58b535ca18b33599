"""What the planner's rule rests on: kinds of networks, sizes of cohorts, the layout of kernels."""

import pytest
import torch
from benchmarks.kinds import HandCell, kinds

from benchmarks import planner
from pilotlight.engine.plan import Cohort, Plan, make, make_members
from pilotlight.engine.step import take_step
from pilotlight.engine.work import work_for


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(planner, "SECONDS", 0.001)
    monkeypatch.setattr(planner, "ROUNDS", 2)


def test_every_kind_is_timed_in_every_size_and_told_as_a_table():
    found, said = planner.measure(kinds(), "cpu", (1, 2))
    assert list(found) == list(kinds())
    assert all(len(s) == 2 and min(s) > 0 for sizes in found.values() for s in sizes.values())
    assert any("batching rule for aten::gru_cell" in words for words in said)
    lines = planner.laid_out(found).splitlines()
    assert len(lines) == 2 + 2 * len(found)
    assert len({len(line) for line in lines}) == 1
    assert [line.split("|")[2].strip() for line in lines[3::2]] == ["1.00"] * len(found)


def test_a_cell_by_hand_is_a_grucell():
    hand, theirs = HandCell(2, 5).double(), torch.nn.GRUCell(2, 5).double()
    with torch.no_grad():
        theirs.weight_ih.copy_(hand.from_input.weight)
        theirs.bias_ih.copy_(hand.from_input.bias)
        theirs.weight_hh.copy_(hand.from_hidden.weight)
        theirs.bias_hh.copy_(hand.from_hidden.bias)
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(3, 2, generator=draw, dtype=torch.float64)
    hidden = torch.randn(3, 5, generator=draw, dtype=torch.float64)
    torch.testing.assert_close(hand(x, hidden), theirs(x, hidden))


@pytest.mark.parametrize("networks", [1, 2])
def test_kernels_laid_channels_last_give_the_same_numbers(networks):
    lab, _ = kinds()["convolution"]
    members = make_members(lab, range(networks), {"epochs": 1})
    _, material = make(lab, members, "cpu", "float64")
    plan = Plan(members, (Cohort(0, tuple(range(networks)), ""),), "cpu", "float64")
    states = []
    for last in (False, True):
        work = work_for(lab, plan, plan.cohorts[0], material)
        state = work.start()
        if last:
            planner.lay_channels_last(state)
            kernels = [p[0] for p in state.parameters.values() if p.dim() == 5]
            assert all(k.stride(1) == 1 for k in kernels)
        for _ in range(3):
            take_step(work, state, work.stretch(state.step))
        states.append(state)
    for name, value in states[0].parameters.items():
        torch.testing.assert_close(states[1].parameters[name], value)
