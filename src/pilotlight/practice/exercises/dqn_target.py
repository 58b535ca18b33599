"""The loss of a deep Q-network.

A deep Q-network gives, for a state, the value of every action. It learns from remembered steps, in
each of which action a led from state s to reward r and the next state s'. A second network of the
same form, the target network, stands still meanwhile: a copy of the first, made now and then.

    target  =  r + discount * max over all actions b of target_network(s')[b]
    target  =  r                                  where the step terminated
    loss    =  mean over the steps of (network(s)[a] - target)^2

The target is held still: it has no gradient, neither to the target network nor to any other. A
network that could move its own targets would chase itself. A step that was only truncated, as the
clock stopped the attempt, keeps its future: the world would have gone on from s'.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn


class Steps(NamedTuple):
    """Remembered steps."""

    states: Tensor  # (steps, inputs)
    actions: Tensor  # (steps), whole numbers
    rewards: Tensor  # (steps)
    next_states: Tensor  # (steps, inputs)
    terminated: Tensor  # (steps), true or false
    truncated: Tensor  # (steps), true or false


def dqn_loss(
    network: nn.Module, target_network: nn.Module, steps: Steps, discount: float
) -> Tensor:
    """A scalar. Both networks take (steps, inputs) and give (steps, actions)."""
    # --- solution ---
    with torch.no_grad():
        best = target_network(steps.next_states).max(dim=1).values
        target = steps.rewards + discount * best * ~steps.terminated
    chosen = network(steps.states).gather(1, steps.actions[:, None]).squeeze(1)
    return (chosen - target).square().mean()
    # --- end ---


# --- checks ---
from typing import Any

from pilotlight.practice.exercise import Check, Exercise, Wrong
from pilotlight.practice.inputs import normal, tensor, whole

INPUTS, ACTIONS, DISCOUNT = 3, 4, 0.9
ENDS = torch.tensor([False, True, False, True, False])
STOPS = torch.tensor([False, False, True, True, False])


def a_network(seed: int, inputs: int = INPUTS, actions: int = ACTIONS) -> nn.Linear:
    """A linear one, with fixed weights."""
    layer = nn.Linear(inputs, actions).double()
    with torch.no_grad():
        layer.weight.copy_(normal(actions, inputs, seed=seed))
        layer.bias.copy_(normal(actions, seed=seed + 1))
    return layer


def some_steps(answer: Any, count: int, ends: Any = None, stops: Any = None) -> Any:
    """Steps drawn at random; none ends unless it is said."""
    no = torch.zeros(count, dtype=torch.bool)
    states, after = normal(2, count, INPUTS, seed=5)
    actions = whole(ACTIONS, count, seed=6)
    return answer.Steps(
        states,
        actions,
        normal(count, seed=7),
        after,
        no if ends is None else ends,
        no if stops is None else stops,
    )


def loss(answer: Any, steps: Any) -> Any:
    """The loss, as it comes back."""
    return {"loss": answer.dqn_loss(a_network(10), a_network(20), steps, DISCOUNT)}


def one_step(answer: Any) -> Any:
    """The loss of one step is the squared error of the action that was taken."""
    return loss(answer, some_steps(answer, 1))


def many_steps(answer: Any) -> Any:
    """The loss of many steps is the mean of their losses."""
    return loss(answer, some_steps(answer, 6))


def ends(answer: Any) -> Any:
    """A step that terminated has no future: its target is the reward."""
    return loss(answer, some_steps(answer, 5, ENDS))


def clock(answer: Any) -> Any:
    """A step that was only truncated keeps its future; one that is both has terminated."""
    return loss(answer, some_steps(answer, 5, ENDS, STOPS))


def gradient(answer: Any) -> Any:
    """The gradient goes to the network, and none to the target network."""
    network, target_network = a_network(10), a_network(20)
    answer.dqn_loss(network, target_network, some_steps(answer, 4), DISCOUNT).backward()
    return {"network": network.weight.grad, "target network": target_network.weight.grad}


def same_network(answer: Any) -> Any:
    """The target has no gradient even where one network is used for both."""
    network = a_network(10)
    answer.dqn_loss(network, network, some_steps(answer, 4), DISCOUNT).backward()
    return {"network": network.weight.grad}


def table(answer: Any) -> Any:
    """With one input for each state, half the gradient is a step of Q-learning in a table."""
    network, target_network = (a_network(seed, 3, 2) for seed in (30, 40))
    states, after = torch.eye(3, dtype=torch.float64)[torch.tensor([[0], [2]])]
    yes = torch.tensor([True])
    steps = answer.Steps(states, torch.tensor([1]), tensor([0.5]), after, ~yes, yes)
    (answer.dqn_loss(network, target_network, steps, DISCOUNT) / 2).backward()
    return {"gradient": network.weight.grad}


def table_by_hand() -> Any:
    """Old value minus target at action 1 of state 0, and 0 everywhere else."""
    values, others = (
        (network.weight + network.bias[:, None]).detach()
        for network in (a_network(seed, 3, 2) for seed in (30, 40))
    )
    expected = torch.zeros(2, 3, dtype=torch.float64)
    expected[1, 0] = values[1, 0] - 0.5 - DISCOUNT * max(others[:, 2].tolist())
    return {"gradient": expected}


def step_by_step(network: nn.Module, target_network: nn.Module, steps: Any, discount: float) -> Any:
    """The same by torch's own loss, with targets that are bare numbers."""
    targets = []
    futures = target_network(steps.next_states).tolist()
    for reward, future, end in zip(
        steps.rewards.tolist(), futures, steps.terminated.tolist(), strict=True
    ):
        targets.append(reward if end else reward + discount * max(future))
    taken = nn.functional.one_hot(steps.actions, ACTIONS).bool()
    return nn.functional.mse_loss(network(steps.states)[taken], tensor(targets))


def by_index(network: nn.Module, target_network: nn.Module, steps: Any, discount: float) -> Any:
    """Right as well: pairs of indices, and a detach in place of no_grad."""
    future = target_network(steps.next_states).detach().amax(-1)
    future = torch.where(steps.terminated, torch.zeros_like(future), future)
    rows = torch.arange(len(steps.actions))
    error = steps.rewards + discount * future - network(steps.states)[rows, steps.actions]
    return error.pow(2).sum() / len(error)


def at_random(answer: Any, generator: torch.Generator) -> Any:
    """Any number of steps, ends of every kind."""
    count = int(torch.randint(1, 7, (1,), generator=generator))
    ends, stops = torch.rand(2, count, generator=generator) < 0.4
    network, target_network = a_network(1), a_network(2)
    steps = some_steps(answer, count, ends, stops)
    found = answer.dqn_loss(network, target_network, steps, 0.7)
    found.backward()
    gradients = [network.weight.grad, target_network.weight.grad]
    return {"loss": found, "gradients": gradients}


STEPS = {"Steps": Steps}
CHOSEN = "network(steps.states).gather(1, steps.actions[:, None]).squeeze(1)"
BEST = "target_network(steps.next_states).max(dim=1).values"

exercise = Exercise(
    area="reinforcement",
    needs=["q-learning-update"],
    lab="dqn",
    minutes=20,
    hints=[
        "network(steps.states) has a row for each step and a column for each action. What counts "
        "is one number of each row: that of the action that was taken. gather takes it.",
        "gather(1, actions[:, None]) has shape (steps, 1). Make it (steps) before you subtract the "
        "target, or each step is compared with every other.",
        "~steps.terminated is true where there is a future. Times a number, true counts 1 and "
        "false 0.",
        "Everything that belongs to the target stands under torch.no_grad().",
    ],
    tasks={
        "The loss": [one_step, many_steps],
        "How a step ended": [ends, clock],
        "Backward": [gradient, same_network, Check(table, table_by_hand)],
    },
    oracle={"dqn_loss": step_by_step, **STEPS},
    alternative={"dqn_loss": by_index, **STEPS},
    sample=at_random,
    wrong=[
        Wrong(
            {" * ~steps.terminated": ""},
            "Steps that terminated are given a future: the network's guess about a state after "
            "the end goes into every target before it.",
        ),
        Wrong(
            {"~steps.terminated": "~(steps.terminated | steps.truncated)"},
            "Truncated steps are treated as ends: wherever the clock stops, the future seems worth "
            "nothing. Only terminated steps have none.",
        ),
        Wrong(
            {"~steps.terminated": "~steps.truncated"},
            "The switches are mixed up: truncated steps lose their future, and terminated ones "
            "keep it.",
        ),
        Wrong(
            {"~steps.terminated": "steps.terminated"},
            "The mask is turned round: only steps that terminated have a future.",
        ),
        Wrong(
            {
                "steps.rewards + discount * best * ~steps": "(steps.rewards + discount * best) "
                "* ~steps"
            },
            "The mask takes the last reward away too: the goal would be worth nothing.",
        ),
        Wrong(
            {BEST: "network(steps.next_states).max(dim=1).values"},
            "The network makes its own targets: they move with every step, and learning may run "
            "away. Ask the target network.",
        ),
        Wrong(
            {"with torch.no_grad():": "if True:"},
            "The gradient flows into the target as well: the target network gathers gradients, "
            "and a network that is both would bend its targets to its guesses.",
        ),
        Wrong(
            {".squeeze(1)": ""},
            "(steps, 1) minus (steps) is (steps, steps): every value is compared with every "
            "target, and all values go to one mean. Take the extra dimension away.",
        ),
        Wrong(
            {
                BEST: "target_network(steps.next_states)[torch.arange(len(steps.actions)), "
                "steps.actions]"
            },
            "The same action is taken again in the next state. The target asks for the best "
            "action there, whichever it is.",
        ),
        Wrong(
            {
                BEST: "target_network(steps.next_states)\n"
                "best = best.gather(1, network(steps.next_states).argmax(1, keepdim=True))[:, 0]"
            },
            "The network picks the action and the target network values it: that is double "
            "Q-learning, a later improvement. Here the target network does both.",
        ),
        Wrong(
            {CHOSEN: "network(steps.states).max(dim=1).values"},
            "The best action's value is moved to the target, not that of the action that was "
            "taken. The reward tells about the latter only.",
        ),
        Wrong(
            {"dim=1).values": "dim=0).values.max()"},
            "The largest value of all steps is taken. Each step has a next state of its own, "
            "a row: dim=1.",
        ),
        Wrong({".mean()": ".sum()"}, "The steps are added up, not averaged."),
        Wrong(
            {"discount * best": "best"},
            "The discount is missing: a reward far away is worth as much as one now.",
        ),
        Wrong(
            {"(chosen - target)": "(chosen.detach() - target)"},
            "The network's own values were cut from the graph: it cannot learn.",
        ),
    ],
)
