"""REINFORCE: a policy learns from what its actions led to.

A policy gives each action a probability. One episode of T steps was played with it: known are the
log probability of each action that was taken, and the reward after it. An action cannot have
caused what lay before it, so it is judged by what came after, the reward to go:

    G_t   =  r_t + discount * r_(t+1) + discount^2 * r_(t+2) + ...     up to the last step
    loss  =  - sum over t of log_probability_t * (G_t - baseline_t)

The baseline, a guess of G_t made by another network, does not change the gradient's expected
value, but takes most of its noise away: only what was better than expected is made more likely.

The bracket only says how much. It must carry no gradient: through it the loss would train the
baseline's network, and make it worse. Return the sum, not a mean: a long episode has more to say.
"""

import torch
from torch import Tensor


def policy_loss(
    log_probabilities: Tensor, rewards: Tensor, baselines: Tensor, discount: float
) -> Tensor:
    """A scalar, of one episode. The three tensors have shape (steps)."""
    # --- solution ---
    returns = torch.zeros_like(rewards)
    later = torch.zeros(())
    for t in reversed(range(len(rewards))):
        later = rewards[t] + discount * later
        returns[t] = later
    advantages = (returns - baselines).detach()
    return -(log_probabilities * advantages).sum()
    # --- end ---


# --- checks ---
from typing import Any

import numpy as np
from scipy.signal import lfilter

from pilotlight.practice.exercise import Check, Exercise, Wrong
from pilotlight.practice.inputs import normal, tensor


def zeros(steps: int) -> Tensor:
    """No rewards, or no baseline."""
    return torch.zeros(steps, dtype=torch.float64)


def to_go(answer: Any, rewards: Tensor, discount: float) -> Any:
    """The gradient at each log probability: minus the weight that its action is given."""
    logs = normal(len(rewards)).requires_grad_()
    answer.policy_loss(logs, rewards, zeros(len(rewards)), discount).backward()
    return {"gradient": logs.grad}


def one_step(answer: Any) -> Any:
    """An episode of one step: minus log probability times what was better than expected."""
    return {"loss": answer.policy_loss(tensor([-0.5]), tensor([3]), tensor([1]), 0.9)}


def whole_episode(answer: Any) -> Any:
    """The loss is the sum over all steps."""
    return {"loss": answer.policy_loss(-normal(8).abs(), normal(8), normal(8, seed=1), 0.9)}


def causes(answer: Any) -> Any:
    """A reward counts for the actions before it, and not for those after it."""
    return to_go(answer, tensor([0, 0, 1, 0, 0]), 0.5)


def undiscounted(answer: Any) -> Any:
    """With a discount of 1 every later reward counts in full."""
    return to_go(answer, tensor([1, 2, 3, 4]), 1.0)


def myopic(answer: Any) -> Any:
    """With a discount of 0 each action is judged by the reward right after it."""
    return to_go(answer, tensor([1, -2, 3]), 0.0)


def as_expected(answer: Any) -> Any:
    """Where all came as expected, nothing is to be learned."""
    baselines = tensor([1.75, 1.5, 1])
    logs = normal(3).requires_grad_()
    answer.policy_loss(logs, tensor([1, 1, 1]), baselines, 0.5).backward()
    return {"gradient": logs.grad}


def baseline_apart(answer: Any) -> Any:
    """The baseline's network gets no gradient from this loss."""
    logs, baselines = normal(4).requires_grad_(), normal(4, seed=1).requires_grad_()
    answer.policy_loss(logs, normal(4, seed=2), baselines, 0.9).backward()
    return {"baselines' gradient": baselines.grad}


def rewards_stay(answer: Any) -> Any:
    """The rewards are read, not changed."""
    rewards, baselines = normal(4), normal(4, seed=1)
    answer.policy_loss(normal(4), rewards, baselines, 0.9)
    return {"rewards": rewards, "baselines": baselines}


def bandit(answer: Any) -> Any:
    """Averaged over the policy's own actions the gradient is that of the expected reward, whatever
    the baseline."""
    logits = normal(3).requires_grad_()
    rewards, chances = tensor([1, -2, 5]), logits.softmax(0).detach()
    found: dict[str, Any] = {}
    for baseline in (0, 4):
        logits.grad = None
        for action in range(3):
            log = logits.log_softmax(0)[action : action + 1]
            reward = rewards[action : action + 1]
            (chances[action] * answer.policy_loss(log, reward, tensor([baseline]), 1.0)).backward()
        found[f"gradient with baseline {baseline}"] = logits.grad
    return found


def bandit_by_hand() -> Any:
    """The expected reward is sum p r; its slope at logit i is p_i (r_i - expected)."""
    rewards, chances = tensor([1, -2, 5]), normal(3).softmax(0)
    uphill = chances * (rewards - chances.dot(rewards))
    return {f"gradient with baseline {b}": -uphill for b in (0, 4)}


def by_filter(
    log_probabilities: Tensor, rewards: Tensor, baselines: Tensor, discount: float
) -> Tensor:
    """The same by scipy: rewards to go are a recursive filter, run backwards."""
    backwards = lfilter([1.0], [1.0, -discount], rewards.detach().numpy()[::-1])
    advantages = np.ascontiguousarray(backwards[::-1]) - baselines.detach().numpy()
    return log_probabilities.dot(-torch.from_numpy(advantages))


def by_matrix(
    log_probabilities: Tensor, rewards: Tensor, baselines: Tensor, discount: float
) -> Tensor:
    """Right as well: discount^(k - t) for each pair of steps, above the diagonal."""
    steps = torch.arange(len(rewards))
    apart = (steps[None, :] - steps[:, None]).clamp(min=0)
    weights = (discount ** apart.to(rewards.dtype)).triu()
    with torch.no_grad():
        advantages = weights @ rewards - baselines
    return (-log_probabilities * advantages).sum()


def at_random(answer: Any, generator: torch.Generator) -> Any:
    """An episode of any length."""
    steps = int(torch.randint(1, 7, (1,), generator=generator))
    discount = float(torch.rand(1, generator=generator))
    given = torch.randn(3, steps, generator=generator, dtype=torch.float64)
    logs, baselines = given[0].requires_grad_(), given[2].requires_grad_()
    loss = answer.policy_loss(logs, given[1], baselines, discount)
    return {"loss": loss, "slope": torch.autograd.grad(loss, [logs, baselines], allow_unused=True)}


LATER = "later = rewards[t] + discount * later"

exercise = Exercise(
    area="reinforcement",
    needs=["cross-entropy"],
    minutes=20,
    hints=[
        "G_t = r_t + discount * G_(t+1): start at the last step and go backwards, one "
        "multiplication and one addition for each.",
        "reversed(range(len(rewards))) counts down. After the last step nothing comes.",
        "The bracket G_t - baseline_t is a plain number to this loss: .detach() it.",
        "The optimizer makes the loss small; good actions are to become likely. Hence the minus.",
    ],
    tasks={
        "The loss": [one_step, whole_episode, rewards_stay],
        "The reward to go": [causes, undiscounted, myopic],
        "The baseline": [as_expected, baseline_apart, Check(bandit, bandit_by_hand)],
    },
    oracle={"policy_loss": by_filter},
    alternative={"policy_loss": by_matrix},
    sample=at_random,
    wrong=[
        Wrong(
            {"returns - baselines": "returns[0] - baselines"},
            "Every action is judged by the whole episode's return. That is right on average, but "
            "noisy: an action cannot have caused what lay before it. Use the reward to go.",
        ),
        Wrong(
            {"returns - baselines": "rewards - baselines"},
            "Each action is judged by the reward right after it alone: what it leads to later does "
            "not count.",
        ),
        Wrong(
            {"reversed(range(len(rewards)))": "range(len(rewards))"},
            "The sum runs forward: each action is judged by the rewards before it, which it cannot "
            "have caused. Start at the last step.",
        ),
        Wrong(
            {"(returns - baselines).detach()": "returns - baselines"},
            "The gradient flows into the baseline: this loss would push its guesses up, "
            "whatever really came. Detach the bracket.",
        ),
        Wrong(
            {"(returns - baselines)": "returns"},
            "The baseline is left out: the expected gradient is the same, but it is much noisier.",
        ),
        Wrong(
            {"return -(": "return ("},
            "The sign is turned round: the optimizer makes the loss small, so what went better "
            "than expected would become less likely.",
        ),
        Wrong(
            {".sum()": ".mean()"},
            "The steps are averaged, not added: a long episode would weigh no more than a short "
            "one.",
        ),
        Wrong(
            {"discount * later": "later"},
            "The discount is missing: a reward far away counts as much as the next.",
        ),
        Wrong(
            {LATER: "later = discount * (rewards[t] + later)"},
            "The reward right after the action is discounted too. Only what comes later is.",
        ),
        Wrong(
            {"log_probabilities *": "log_probabilities.exp() *"},
            "The probability is used, not its logarithm: then rare actions hardly learn at all, "
            "and the average is no longer the gradient of the expected reward.",
        ),
        Wrong(
            {
                ".detach()": ".detach()\nadvantages = (advantages - advantages.mean()) "
                "/ (advantages.std(correction=0) + 1e-8)"
            },
            "The brackets are brought to mean 0 and deviation 1: a common trick, but it changes "
            "the gradient with each episode, and is not asked for here.",
        ),
        Wrong(
            {"(returns - baselines)": "(torch.tensor(returns.tolist()) - baselines)"},
            "The returns went through a Python list, of which torch.tensor makes float32: half the "
            "digits are lost. Give it a dtype, or put tensors together by torch.stack.",
        ),
        Wrong(
            {"returns = torch.zeros_like(rewards)": "returns = rewards"},
            "The rewards are overwritten by the sums: whoever uses them later finds others. "
            "Write into a tensor of your own.",
        ),
    ],
)
