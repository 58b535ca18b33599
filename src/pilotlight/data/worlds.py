"""Worlds to act in: pure functions of tensors, so that many worlds go through each step at once.

A world has no memory of its own. Its state is a tensor [..., S], the last entry counts the steps of
the episode, and a step gives a new state. W worlds are a state [W, S].

A step tells apart two ways in which an episode ends. `terminated`: the world says so (the pole
fell), and nothing more is to come. `truncated`: only the clock says so, and the world would have
gone on. Both may happen at once, as in Gymnasium.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from pilotlight.core.drawing import Scene

Step = tuple[Tensor, Tensor, Tensor, Tensor]
"""State [..., S], reward [...], terminated [...] and truncated [...], both bool."""


class World(Protocol):
    """What a lab asks of a world."""

    def start(self, noise: Tensor) -> Tensor:
        """A first state [..., S] from uniform noise [..., D]; how much it takes, D, it says."""

    def step(self, state: Tensor, action: Tensor, limit: float) -> Step:
        """One step; `action` [...] holds 0 or 1, `limit` is the most steps of an episode."""

    def see(self, state: Tensor) -> Tensor:
        """What a network sees of a state."""


class CartPole:
    """Balance a pole on a cart by pushing it left (0) or right (1); 1 for every step.

    State: position (m), velocity (m/s), angle (rad), angular velocity (rad/s), steps. It ends when
    the cart is 2.4 m away or the pole leans 12 degrees. Euler steps of 0.02 s.

    The equations are those of Barto, Sutton and Anderson (1983) without friction, step by step
    what Gymnasium's CartPole-v1 computes.
    """

    furthest, steepest = 2.4, 12 * 2 * math.pi / 360

    def start(self, noise: Tensor) -> Tensor:
        """Nearly upright and at rest, each number within 0.05, from noise [..., 4]."""
        return torch.cat([-0.05 + 0.1 * noise, torch.zeros_like(noise[..., :1])], -1)

    def step(self, state: Tensor, action: Tensor, limit: float = 500) -> Step:
        """Push with 10 N for one step: cart 1 kg, pole 0.1 kg and 1 m long."""
        x, velocity, angle, turning, steps = state.unbind(-1)
        force = torch.where(action == 1, 10.0, -10.0)
        cosine, sine = angle.cos(), angle.sin()
        push = (force + 0.05 * turning**2 * sine) / 1.1
        twist = (9.8 * sine - cosine * push) / (0.5 * (4 / 3 - 0.1 * cosine**2 / 1.1))
        pull = push - 0.05 * twist * cosine / 1.1
        x, velocity = x + 0.02 * velocity, velocity + 0.02 * pull
        angle, turning = angle + 0.02 * turning, turning + 0.02 * twist
        after = torch.stack([x, velocity, angle, turning, steps + 1], -1)
        terminated = (x.abs() > self.furthest) | (angle.abs() > self.steepest)
        return after, torch.ones_like(x), terminated, steps + 1 >= limit

    def see(self, state: Tensor) -> Tensor:
        """All but the clock, [..., 4]."""
        return state[..., :4]


CART_POLE = Scene(
    "cart-pole",
    ("position, m", "velocity, m/s", "angle, rad", "turning, rad/s"),
    ("push left", "push right"),
)
"""What there is to see and to do in CartPole, for who watches an episode."""


@dataclass(frozen=True)
class Chain:
    """Places in a row: 0 goes left, 1 goes right; 1 on arriving at the last place, where it ends.

    State: place, steps. With discount g, the best value of going right is g^(places - 2 - place).
    """

    places: int = 5

    def start(self, noise: Tensor) -> Tensor:
        """At place 0; of noise [..., D] only the shape matters."""
        return torch.zeros_like(noise[..., :1]).expand(*noise.shape[:-1], 2)

    def step(self, state: Tensor, action: Tensor, limit: float) -> Step:
        """One place on; left of place 0 is place 0."""
        place, steps = state.unbind(-1)
        place = (place + torch.where(action == 1, 1.0, -1.0)).clamp(0, self.places - 1)
        arrived = place == self.places - 1
        return torch.stack([place, steps + 1], -1), arrived.to(place), arrived, steps + 1 >= limit

    def see(self, state: Tensor) -> Tensor:
        """Which place it is, one-hot [..., places]."""
        places = torch.arange(self.places, device=state.device)
        return (state[..., :1] == places).to(state)


@dataclass(frozen=True)
class Endless:
    """One place that pays 1 a step and never ends: with discount g, its value is 1 / (1 - g).

    State: steps. Both actions do the same.
    """

    def start(self, noise: Tensor) -> Tensor:
        """The only place; of noise [..., D] only the shape matters."""
        return torch.zeros_like(noise[..., :1])

    def step(self, state: Tensor, action: Tensor, limit: float) -> Step:
        """Stay, and be paid."""
        reward = torch.ones_like(state[..., 0])
        return state + 1, reward, reward < 0, state[..., 0] + 1 >= limit

    def see(self, state: Tensor) -> Tensor:
        """Nothing but that it is there, [..., 1]."""
        return torch.ones_like(state)


def play(
    world: World, policy: Callable[[Tensor], Tensor], start: Tensor, steps: int, discount: Any = 1.0
) -> tuple[Tensor, Tensor]:
    """Return and discounted return [W] of episodes from states [W, S], of at most so many steps.

    `policy` gives actions [W] for what it sees of the worlds.
    """
    now, weight, running = start, 1.0, torch.ones_like(start[..., 0])
    total = value = torch.zeros_like(running)
    for _ in range(steps):
        now, reward, terminated, _ = world.step(now, policy(world.see(now)), steps)
        paid = running * reward
        total, value, weight = total + paid, value + weight * paid, weight * discount
        running = torch.where(terminated, 0.0, running)
    return total, value


def film(
    world: World, policy: Callable[[Tensor], Tensor], start: Tensor, steps: int, moments: int = 50
) -> dict[str, Tensor]:
    """Moments M of one episode from a state [1, S], evenly from its start to its end.

    Returns what was "seen" [M, D]; "actions" [M], -1 where it has ended; after how many "steps" [M]
    each moment is, so that those of a short episode come again.
    """
    now, length = start, torch.zeros_like(start[0, -1])
    running, seen, actions = length == 0, [world.see(start)[0]], []
    for _ in range(steps):
        action = policy(world.see(now))
        now, _, terminated, _ = world.step(now, action, steps)
        length, running = length + running, running & ~terminated[0]
        seen.append(world.see(now)[0])
        actions.append(action[0])
    at = (torch.linspace(0, 1, moments).to(length) * length).round().long()
    done = torch.stack([*actions, torch.full_like(actions[0], -1)])
    return {
        "seen": torch.stack(seen)[at],
        "actions": torch.where(at < length, done[at], -1),
        "steps": at,
    }
