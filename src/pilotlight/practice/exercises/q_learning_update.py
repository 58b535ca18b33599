"""One step of Q-learning.

Q[s, a] is what is to be expected, from state s on, of taking action a and the best actions after
it: the sum of the rewards, each later one worth less by the factor `discount`. Q-learning improves
the table after every single step. From s, action a led to reward r and to the state s':

    target   =  r + discount * max over all actions b of Q[s', b]
    Q[s, a]  <-  Q[s, a] + rate * (target - Q[s, a])

Where the step *terminated* the episode (the goal, the cliff), there is no future: the target is r
alone. Where it was *truncated*, the clock only stopped the attempt. The world would have gone on
from s', so its value counts as always. Who mixes up the two learns that time itself is a cliff. A
step may be both at once: then it terminated.

Change the table in place.
"""

from torch import Tensor


def q_update(
    values: Tensor,
    state: int,
    action: int,
    reward: float,
    next_state: int,
    terminated: bool,
    truncated: bool,
    rate: float,
    discount: float,
) -> None:
    """Change `values` (states, actions) in place, by one step from `state` to `next_state`."""
    # --- solution ---
    future = 0.0 if terminated else discount * values[next_state].max()
    error = reward + future - values[state, action]
    values[state, action] += rate * error
    # --- end ---


# --- checks ---
from typing import Any

import torch

from pilotlight.practice.exercise import Check, Exercise, Wrong
from pilotlight.practice.inputs import normal, tensor

CORRIDOR, DISCOUNT = 5, 0.8


def updated(answer: Any, values: Tensor, *step: Any, rate: float = 0.5) -> Any:
    """The table after one step: state, action, reward, next state, terminated, truncated."""
    answer.q_update(values, *step, rate, 0.9)
    return {"table": values}


def one_step(answer: Any) -> Any:
    """A step moves the value of its state and action part of the way to the target."""
    return updated(answer, tensor([[1, 2], [10, 20]]), 0, 1, 3.0, 1, False, False)


def one_entry(answer: Any) -> Any:
    """Only the value of this state and this action changes; nothing is returned."""
    values = normal(4, 3)
    returned = answer.q_update(values, 2, 0, -1.0, 3, False, False, 0.1, 0.9)
    return {"table": values, "returned": returned}


def best_is_negative(answer: Any) -> Any:
    """The best of bad actions is the least bad one, not 0."""
    return updated(answer, tensor([[0, 0, 0], [-5, -3, -4]]), 0, 0, -1.0, 1, False, False)


def same_state(answer: Any) -> Any:
    """Who bumps into a wall stays where he is: the next state is the same."""
    return updated(answer, tensor([[4, 6], [0, 0]]), 0, 0, -1.0, 0, False, False)


def ends(answer: Any) -> Any:
    """A step that terminates has no future, whatever the table says of the next state."""
    return updated(answer, tensor([[1, 2], [10, 20]]), 0, 1, 3.0, 1, True, False)


def clock(answer: Any) -> Any:
    """A step that was only truncated counts the next state's value as any other does."""
    return updated(answer, tensor([[1, 2], [10, 20]]), 0, 1, 3.0, 1, False, True)


def both(answer: Any) -> Any:
    """A step that reaches the end just as the clock stops has terminated."""
    return updated(answer, tensor([[1, 2], [10, 20]]), 0, 1, 3.0, 1, True, True)


def corridor(answer: Any) -> Any:
    """In a corridor with a reward of 1 at its end, the values fall by the discount with each step
    away from it, though the clock stops every attempt after one step."""
    values = torch.zeros(CORRIDOR, 2, dtype=torch.float64)
    values[-1] = 7  # nobody learns anything about the end; what stands there must not matter
    for _ in range(60):
        for state in range(CORRIDOR - 1):
            for action, place in enumerate((max(0, state - 1), state + 1)):
                end = place == CORRIDOR - 1
                answer.q_update(values, state, action, float(end), place, end, True, 0.7, DISCOUNT)
    return {"table": values[:-1]}


def halfway() -> Any:
    """The target is 3 + 0.9 * 20 = 21, and 11.5 lies half way from 2 to it."""
    return {"table": tensor([[1, 11.5], [10, 20]])}


def halfway_to_reward() -> Any:
    """The target is the reward, 3."""
    return {"table": tensor([[1, 2.5], [10, 20]])}


def by_distance() -> Any:
    """The way right of k steps is worth discount^(k - 1); a step left makes it longer."""
    right = [DISCOUNT ** (CORRIDOR - 2 - state) for state in range(CORRIDOR - 1)]
    left = [DISCOUNT * right[max(0, state - 1)] for state in range(CORRIDOR - 1)]
    return {"table": tensor([left, right]).T}


def by_descent(
    values: Tensor,
    state: int,
    action: int,
    reward: float,
    next_state: int,
    terminated: bool,
    truncated: bool,
    rate: float,
    discount: float,
) -> None:
    """The same by torch: a step down half the squared error, with the target held still."""
    table = values.clone().requires_grad_()
    best = torch.amax(table.detach()[next_state], dim=0)
    target = torch.where(torch.tensor(terminated), reward, reward + discount * best)
    loss = torch.nn.functional.mse_loss(table[state, action], target, reduction="sum") / 2
    loss.backward()
    torch.optim.SGD([table], lr=rate).step()
    values.copy_(table.detach())


def as_average(
    values: Tensor,
    state: int,
    action: int,
    reward: float,
    next_state: int,
    terminated: bool,
    truncated: bool,
    rate: float,
    discount: float,
) -> None:
    """Right as well: old value and target, weighted, in plain Python."""
    target = reward
    if not terminated:
        target += discount * max(values[next_state].tolist())
    values[state, action] = (1 - rate) * values[state, action] + rate * target


def at_random(answer: Any, generator: torch.Generator) -> Any:
    """A few steps in a table of any size, of every kind."""
    states, actions = torch.randint(2, 5, (2,), generator=generator).tolist()
    values = torch.randn(states, actions, generator=generator, dtype=torch.float64)
    for terminated in (False, True):
        for truncated in (False, True):
            state, after, action = torch.randint(12, (3,), generator=generator).tolist()
            reward, rate, discount = torch.rand(3, generator=generator).tolist()
            step = state % states, action % actions, reward, after % states
            answer.q_update(values, *step, terminated, truncated, rate, discount)
    return {"table": values}


BEST = "values[next_state].max()"

exercise = Exercise(
    area="reinforcement",
    needs=[],
    minutes=15,
    hints=[
        "First the target, then the error (target minus old value), then the step.",
        "values[next_state] is a row, one value for each action; .max() is the largest of them.",
        "Two switches come in, but only one of them may change the target. Which end is a real "
        "one?",
    ],
    tasks={
        "One step": [
            Check(one_step, halfway),
            one_entry,
            best_is_negative,
            same_state,
        ],
        "How it ended": [
            Check(ends, halfway_to_reward),
            Check(clock, halfway),
            Check(both, halfway_to_reward),
        ],
        "Step after step": [Check(corridor, by_distance)],
    },
    oracle={"q_update": by_descent},
    alternative={"q_update": as_average},
    sample=at_random,
    wrong=[
        Wrong(
            {"0.0 if terminated else ": ""},
            "The next state's value counts after the end too. What the table says of a state where "
            "nobody ever acts is chance, and it spreads to all others.",
        ),
        Wrong(
            {"if terminated else": "if terminated or truncated else"},
            "A truncated step is treated as an end: states in which the clock happens to stop seem "
            "worth nothing. Only a terminated step has no future.",
        ),
        Wrong(
            {"if terminated else": "if truncated else"},
            "The switches are mixed up: the future is cut off where the clock stopped, and goes on "
            "after the real end.",
        ),
        Wrong(
            {"if terminated else": "if terminated and not truncated else"},
            "A step that is both terminated and truncated is given a future: the end is the end, "
            "whatever the clock says.",
        ),
        Wrong(
            {BEST: "values[next_state, action]"},
            "The value of the same action in the next state is taken. Q-learning looks at the best "
            "action there, whichever it is.",
        ),
        Wrong(
            {BEST: "values[next_state].mean()"},
            "The values of the next state are averaged: that is what acting at random is worth. "
            "Take the largest.",
        ),
        Wrong(
            {BEST: "values.max()"},
            "The largest value of the whole table is taken. Only the next state's row can be "
            "reached.",
        ),
        Wrong(
            {BEST: f"{BEST}.clamp(min=0)"},
            "The search for the best starts at 0: where all values are negative, none is found. "
            "The best is then the least bad.",
        ),
        Wrong(
            {" - values[state, action]": ""},
            "The old value is not subtracted: the table grows with every step, without end.",
        ),
        Wrong(
            {"+= rate * error": "+= error"},
            "The rate is left out: each step forgets all before it and believes the last reward.",
        ),
        Wrong(
            {"reward + future": "discount * reward + future"},
            "The reward of this very step is discounted. Only what comes later is worth less.",
        ),
        Wrong(
            {"discount * values": "values"},
            "The discount is missing: a reward far away is worth as much as one now.",
        ),
        Wrong(
            {"values[state, action] += rate * error": "values[state] += rate * error"},
            "All actions of the state are moved. Only one was tried, and only its value is known "
            "better.",
        ),
        Wrong(
            {
                "values[state, action] += rate * error": "values = values.clone()\n"
                "values[state, action] += rate * error"
            },
            "A copy of the table was changed: the caller's stays as it was. Change it in place.",
        ),
    ],
)
