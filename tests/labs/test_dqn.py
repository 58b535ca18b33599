"""The dqn lab: exhibits pass, planted mistakes fail, greedy episodes are those of Gymnasium."""

import re
from dataclasses import replace
from types import SimpleNamespace

import gymnasium
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from pilotlight.core.lab import Metric
from pilotlight.core.report import MemberRow
from pilotlight.engine.plan import build, make_members
from pilotlight.engine.script import script
from pilotlight.labs.catalogue import load
from pilotlight.labs.reinforcement import dqn as module
from pilotlight.measure.verdicts import judge

lab = load("dqn")
act, learn, play = module.act, module.learn, module.play


# --- exhibits, and mistakes that they must see ---


def test_exhibits_pass(failing):
    assert failing() == set()


def changed(settings, **own):
    return SimpleNamespace(**{**vars(settings), **own})


def the_clock_taken_for_an_end(model, batch, settings, state, world):
    return act(model, batch, changed(settings, clock_ends=True), state, world)


def a_target_that_is_never_renewed(model, batch, settings, state, world):
    return act(model, batch, changed(settings, copy_every=1e18), state, world)


def more_promised_after_the_end(model, batch, settings, state, world):
    made, state = act(model, batch, settings, state, world)
    sees = (made["past"].shape[1] - 3) // 2
    made["past"][:, sees + 2] = 0
    return made, state


def the_reward_of_the_step_before(model, batch, settings, state, world):
    before = state["memory"][:, -1:].clone()
    made, state = act(model, batch, settings, state, world)
    sees = (made["past"].shape[1] - 3) // 2
    made["past"][:, sees + 1] = before[: len(made["past"]), 0]
    return made, state


ACTS = {
    the_clock_taken_for_an_end: {"as_q_learning", "where_values_end"},
    a_target_that_is_never_renewed: {"as_q_learning", "where_values_end"},
    more_promised_after_the_end: {"where_values_end"},
    the_reward_of_the_step_before: {"as_q_learning"},
}


@pytest.mark.parametrize("mistake", ACTS, ids=lambda mistake: mistake.__name__)
def test_a_mistake_in_acting_makes_exhibits_fail(monkeypatch, mistake, failing):
    monkeypatch.setattr(module, "act", mistake)
    assert failing() == ACTS[mistake]


def best_of_the_network_itself(model, batch, settings, state):
    own = {n: p.detach() for n, p in model.named_parameters()}
    return learn(model, batch, settings, {**state, "target": {n: p * 0.9 for n, p in own.items()}})


def a_sum_over_the_batch(model, batch, settings, state):
    loss, told, state = learn(model, batch, settings, state)
    return loss * 2, told, state


@pytest.mark.parametrize("mistake", [best_of_the_network_itself, a_sum_over_the_batch])
def test_a_mistake_in_learning_makes_exhibits_fail(monkeypatch, mistake, failing):
    monkeypatch.setattr(module, "learn", mistake)
    assert "as_q_learning" in failing()


def test_judging_with_exploration_makes_an_exhibit_fail(monkeypatch, failing):
    draw = torch.Generator().manual_seed(0)

    def exploring(world, policy, start, steps, discount):
        def act(seen):
            tried = torch.rand(len(seen), generator=draw) < 0.1
            return torch.where(tried, 1 - policy(seen), policy(seen))

        return play(world, act, start, steps, discount)

    monkeypatch.setattr(module, "play", exploring)
    assert failing() == {"judged_as_in_gymnasium"}


def rates_of(metrics):
    """Share of seeds of `no_target` that are judged solved, had all been good once and then bad."""
    returns = [9.0, 200.0, 9.0]
    rows = [
        MemberRow(i, "no_target", i, {}, {"step": [0, 1, 2], module.RETURN: returns}, {})
        for i in range(3)
    ]
    rows = [replace(row, final={module.RETURN: 9.0}) for row in rows]
    claim = replace(lab.claims["target_rate"], left="no_target", right=None)
    (result,) = judge({"alone": claim}, rows, metrics, "", evidence=True)
    return result.effect


def test_the_last_network_is_judged_never_the_best():
    assert rates_of(lab.metrics) == 0
    best = Metric(of=lambda curves: max(curves[module.RETURN]))
    assert rates_of({**lab.metrics, module.RETURN: best}) == 1  # the mistake, to compare


# --- its agent ---


def network(seed):
    member = make_members(lab, [seed], {}, ("dqn",))[0]
    return build(lab, member).double()


def gymnasium_s_return(model, start):
    world = gymnasium.make("CartPole-v0", max_episode_steps=200).unwrapped
    world.reset(seed=0)
    world.state = start
    for count in range(1, 201):
        with torch.no_grad():
            action = int(model(torch.tensor(world.state)[None]).argmax())
        if world.step(action)[2]:
            return count
    return 200


@pytest.mark.filterwarnings("ignore:.*CartPole-v0 is out of date")
def test_greedy_episodes_are_as_long_as_gymnasium_s():
    noise = torch.rand(6, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    for seed in range(5):
        model = network(seed)
        batch = SimpleNamespace(noise=SimpleNamespace(start=noise))
        with torch.no_grad():
            told = module.evaluate(model, batch, SimpleNamespace(discount=1.0), {})
        theirs = [gymnasium_s_return(model, -0.05 + 0.1 * row.numpy()) for row in noise]
        assert told[module.RETURN].tolist() == theirs


def test_the_episode_to_watch_is_the_first_that_is_measured():
    noise = torch.rand(6, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    batch = SimpleNamespace(noise=SimpleNamespace(start=noise))
    for seed in range(3):
        model = network(seed)
        with torch.no_grad():
            (told,) = module.episode(model, batch, None, {}).values()
            returns = module.evaluate(model, batch, SimpleNamespace(discount=1.0), {})
        assert told["steps"][-1] == returns[module.RETURN][0]
        torch.testing.assert_close(told["seen"][0], -0.05 + 0.1 * noise[0])


def test_what_is_kept_to_watch_is_no_part_of_the_plain_script():
    assert re.findall(r"\b(?:film|Scene|snapshot|def episode)\b", script(lab)) == []


def test_memory_holds_the_newest_steps_of_all_worlds():
    model, draw = network(0), torch.Generator().manual_seed(2)
    given = dict(
        worlds=3, memory=12, limit=5, clock_ends=True, explore=0.5, explore_steps=1, copy_every=4.0
    )
    settings = SimpleNamespace(**given)
    state = module.begin(model, settings)
    for step in range(9):
        noise = SimpleNamespace(
            start=torch.rand(3, 4, generator=draw).double(),
            trying=torch.rand(3, generator=draw).double(),
            action=torch.rand(3, generator=draw).double(),
            picked=torch.linspace(0, 0.999, 12).double(),
        )
        batch = SimpleNamespace(noise=noise)
        with torch.no_grad():
            made, after = act(model, batch, settings, state)
        rows = slice(3 * step % 12, 3 * step % 12 + 3)
        torch.testing.assert_close(after["memory"][rows, 7:], after["worlds"][:, :4])
        kept = [i for i in range(12) if i not in range(rows.start, rows.stop)]
        assert torch.equal(after["memory"][kept], state["memory"][kept])
        assert len(made["past"].unique(dim=0)) == min(3 * step + 3, 12)  # none but what was lived
        state = after
    assert state["over"].tolist() == [False] * 3
    assert state["worlds"][:, 4].tolist() == [4] * 3  # the clock rang after 5, then 4 more


def test_steps_to_solve_are_those_of_the_first_time():
    curves = {"step": [0, 10, 20, 30], module.RETURN: [9, 194.9, 195, 20]}
    assert module.steps_to_solve(curves) == 20
    assert module.steps_to_solve({"step": [0, 10], module.RETURN: [9, 9]}) is None


# --- its picture ---


def drawn(members):
    figure = Figure(figsize=(8, 5))
    FigureCanvasAgg(figure)
    lab.picture(SimpleNamespace(members=members), figure)
    figure.canvas.draw()
    return figure


def test_picture_counts_seeds_that_are_solved_at_the_end():
    ends = ([9, 200.0, 196.0], [9, 200.0, 190.0], [9, None, None])
    rows = [
        MemberRow(
            i, "clipped", i, {}, {"step": [0, 1, 2], module.RETURN: c}, {module.RETURN: c[-1]}
        )
        for i, c in enumerate(ends)
    ]
    panels = drawn(rows).axes
    assert panels[1].texts[0].get_text() == "1 of 3\nsolved"
    assert [len(panel.lines) for panel in panels] == [0, 3, 0, 0, 0, 0, 0, 0]


def test_picture_shows_every_comparison_also_of_a_run_that_was_stopped_at_once():
    assert set(module.PANELS) == set(lab.compare)
    assert len(drawn([]).axes) == 8
