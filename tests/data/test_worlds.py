"""Worlds: CartPole equal to Gymnasium's step by step, and worlds whose values are known."""

import gymnasium
import numpy as np
import pytest
import torch

from pilotlight.data.worlds import CART_POLE, CartPole, Chain, Endless, film, play

cartpole = CartPole()


def theirs(start, actions, limit=500):
    """States, rewards, terminated, truncated of Gymnasium's CartPole-v1 from a given start."""
    world = gymnasium.make("CartPole-v1", max_episode_steps=limit)
    world.reset(seed=0)
    world.unwrapped.state = np.array(start, dtype=np.float64)
    rows = []
    for action in actions:
        _, reward, terminated, truncated, _ = world.step(int(action))
        rows.append((*world.unwrapped.state, reward, terminated, truncated))
        if terminated or truncated:
            break
    return np.array(rows, dtype=np.float64)


def ours(start, actions, limit=500):
    state = torch.cat([torch.tensor(start, dtype=torch.float64), torch.zeros(1).double()])
    rows = []
    for action in actions:
        state, reward, terminated, truncated = cartpole.step(state, torch.tensor(action), limit)
        rows.append((*state[:4].tolist(), float(reward), float(terminated), float(truncated)))
        if terminated or truncated:
            break
    return np.array(rows)


def balancing(start, count):
    """Actions that hold the pole upright and the cart near the middle, found in our world."""
    state, actions = torch.tensor([*start, 0.0], dtype=torch.float64), []
    for _ in range(count):
        x, velocity, angle, turning, _ = state.tolist()
        actions.append(int(0.05 * x + 0.2 * velocity + angle + turning > 0))
        state = cartpole.step(state, torch.tensor(actions[-1]))[0]
    return actions


@pytest.mark.parametrize("seed", range(20))
def test_random_pushes_give_gymnasium_s_episode(seed):
    random = np.random.default_rng(seed)
    start, actions = random.uniform(-0.05, 0.05, 4), random.integers(0, 2, 500)
    own, peer = ours(start, actions), theirs(start, actions)
    assert own.shape == peer.shape
    assert own[-1, 5:].tolist() == [1, 0]  # the pole fell, the clock did not ring
    np.testing.assert_allclose(own, peer, rtol=0, atol=1e-12)


@pytest.mark.parametrize("limit", [500, 37])
def test_a_balanced_pole_is_truncated_as_gymnasium_s(limit):
    start = (0.01, -0.02, 0.03, -0.04)
    actions = balancing(start, 500)
    own, peer = ours(start, actions, limit), theirs(start, actions, limit)
    assert own.shape == peer.shape == (limit, 7)
    assert own[-1, 5:].tolist() == [0, 1]
    np.testing.assert_allclose(own, peer, rtol=0, atol=1e-9)


def test_falling_at_the_last_step_is_both():
    start, actions = (0.0, 0.0, 0.0, 0.0), [1] * 500
    falls = len(theirs(start, actions))
    own, peer = ours(start, actions, falls), theirs(start, actions, falls)
    assert own[-1, 5:].tolist() == peer[-1, 5:].tolist() == [1, 1]


@pytest.mark.parametrize("start", [(2.39, 3, 0, 0), (-2.39, -3, 0, 0), (0, 0, -0.2, -2)])
def test_each_border_ends_it_as_gymnasium_s(start):
    own, peer = ours(start, [1] * 9), theirs(start, [1] * 9)
    np.testing.assert_allclose(own, peer, rtol=0, atol=1e-12)
    assert own[-1, 5] == 1


def test_gymnasium_starts_within_the_same_bounds():
    corners = cartpole.start(torch.stack([torch.zeros(4), torch.ones(4)]).double())
    assert corners.tolist() == [[-0.05] * 4 + [0.0], [pytest.approx(0.05)] * 4 + [0.0]]
    world, drawn = gymnasium.make("CartPole-v1").unwrapped, []
    for seed in range(500):
        world.reset(seed=seed)
        drawn.append(world.state)
    drawn = np.array(drawn)
    assert drawn.min() == pytest.approx(-0.05, abs=1e-3)
    assert drawn.max() == pytest.approx(0.05, abs=1e-3)


def test_many_worlds_at_once_are_each_world_alone():
    noise = torch.rand(3, 7, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    actions = torch.arange(21).view(3, 7) % 2
    together = cartpole.step(cartpole.start(noise), actions)
    for i in range(3):
        alone = cartpole.step(cartpole.start(noise[i]), actions[i])
        assert all(torch.equal(a[i], b) for a, b in zip(together, alone, strict=True))


def test_a_step_leaves_the_state_as_it_was():
    state = cartpole.start(torch.full((4,), 0.3))
    before = state.clone()
    cartpole.step(state, torch.tensor(1))
    assert torch.equal(state, before)


# --- worlds with known values ---


def test_a_chain_pays_at_its_end_only():
    chain, paid = Chain(4), []
    state = chain.start(torch.zeros(1))
    for action in (0, 1, 1, 0, 1, 1):
        state, reward, terminated, truncated = chain.step(state, torch.tensor(action), 6)
        paid.append((int(state[0]), int(reward), bool(terminated), bool(truncated)))
    assert paid == [
        (0, 0, False, False),
        (1, 0, False, False),
        (2, 0, False, False),
        (1, 0, False, False),
        (2, 0, False, False),
        (3, 1, True, True),
    ]


def test_values_of_a_chain_solve_bellman_s_equation():
    chain, discount = Chain(5), 0.9
    places = torch.arange(4.0)
    after, reward, terminated, _ = chain.step(
        torch.stack([places, torch.zeros(4)], 1), torch.ones(4), 99
    )
    values = torch.cat([discount ** (3 - places), torch.zeros(1)])
    ahead = torch.where(terminated, 0.0, discount * values[after[:, 0].long()])
    torch.testing.assert_close(reward + ahead, values[:4])


def test_a_chain_is_seen_one_hot():
    state = torch.tensor([[0.0, 5.0], [2.0, 0.0]])
    assert Chain(3).see(state).tolist() == [[1, 0, 0], [0, 0, 1]]


def test_only_the_clock_ends_the_endless_world():
    endless, ends = Endless(), []
    state = endless.start(torch.zeros(2, 1))
    for _ in range(3):
        state, reward, terminated, truncated = endless.step(state, torch.zeros(2), 3)
        assert reward.tolist() == [1, 1]
        ends.append((terminated.any().item(), truncated.all().item()))
    assert ends == [(False, False), (False, False), (False, True)]
    assert endless.see(state).tolist() == [[1], [1]]


# --- whole episodes ---


def test_play_pays_until_the_end_and_discounts():
    chain = Chain(4)
    start = torch.tensor([[0.0, 0.0], [2.0, 0.0]])
    total, value = play(chain, lambda seen: torch.ones(2), start, 10, 0.5)
    assert (total.tolist(), value.tolist()) == ([1, 1], [0.25, 1])  # paid once, not after the end


def test_play_of_the_endless_world_is_cut_by_its_steps():
    total, value = play(Endless(), lambda seen: torch.zeros(2), torch.zeros(2, 1), 10, 0.9)
    assert total.tolist() == [10, 10]
    assert value.tolist() == pytest.approx([(1 - 0.9**10) / 0.1] * 2)


@pytest.mark.parametrize("seed", range(3))
def test_play_lasts_as_long_as_gymnasium_s_episode(seed):
    start = np.random.default_rng(seed).uniform(-0.05, 0.05, (1, 4))
    state = torch.tensor(np.append(start, 0.0))[None]
    total, _ = play(cartpole, lambda seen: (seen[:, 2] > 0).long(), state, 500)
    world = gymnasium.make("CartPole-v1").unwrapped
    world.reset(seed=0)
    world.state, count, terminated = start[0], 0, False
    while not terminated:
        terminated, count = world.step(int(world.state[2] > 0))[2], count + 1
    assert total.tolist() == [count]


@pytest.mark.parametrize(("push", "steps"), [(1, 10), (None, 40)])
def test_a_film_shows_moments_of_one_episode_from_its_start_to_its_end(push, steps):
    """Pushed right the pole falls after ten steps; balanced, the clock ends the episode."""
    start = torch.tensor([[0.01, -0.02, 0.03, -0.005, 0.0]], dtype=torch.float64)
    lean = torch.tensor([0.05, 0.2, 1.0, 1.0], dtype=torch.float64)

    def policy(seen):
        return (seen @ lean > 0).long() if push is None else torch.full((len(seen),), push)

    states, actions = [start[0]], []
    while len(actions) < steps:
        actions.append(int(policy(cartpole.see(states[-1][None]))))
        state, _, terminated, _ = cartpole.step(states[-1], torch.tensor(actions[-1]), 40)
        states.append(state)
        assert bool(terminated) == (push == 1 and len(actions) == 10)
    for moments in (3, 11, 50):
        told = film(cartpole, policy, start, 40, moments)
        at = told["steps"].tolist()
        assert (len(at), at[0], at[-1]) == (moments, 0, steps)
        assert at == sorted(at)
        torch.testing.assert_close(told["seen"], torch.stack([states[i] for i in at])[:, :4])
        assert told["actions"].tolist() == [actions[i] if i < steps else -1 for i in at]
    assert told["seen"].shape[1] == len(CART_POLE.sees)


def test_many_worlds_are_filmed_at_once_as_each_alone():
    starts = cartpole.start(torch.rand(4, 1, 4, generator=torch.Generator().manual_seed(0)))
    leans = torch.randn(4, 4, generator=torch.Generator().manual_seed(1))

    def filmed(start, lean):
        return film(cartpole, lambda seen: (seen @ lean > 0).long(), start, 30, 7)

    together = torch.func.vmap(filmed)(starts, leans)
    for i in range(4):
        for name, value in filmed(starts[i], leans[i]).items():
            torch.testing.assert_close(together[name][i], value)
