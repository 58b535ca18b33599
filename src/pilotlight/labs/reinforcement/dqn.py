"""What makes a deep Q-network stable?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from statistics import fmean
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from pilotlight.core.lab import REFUTED, SUPPORTED, UNDECIDED, Claim, Lab, Metric, exhibit
from pilotlight.core.settings import linear, log, switch, unit, whole
from pilotlight.data.worlds import CART_POLE, CartPole, Chain, Endless, World, film, play
from pilotlight.engine.optim import adam
from pilotlight.engine.schedule import linear_to_zero
from pilotlight.engine.steps import Phase, Training, uniform
from pilotlight.nets.dense import mlp

cartpole = CartPole()
double = partial(torch.tensor, dtype=torch.float64)
RETURN, TEST_STEPS, SOLVED = "greedy_return", 200, 195  # CartPole-v0: solved at a mean of 195
CLIPPED, ALONE = dict(clip_error=1.0), dict(copy_every=1.0)


def begin(model: Any, settings: Any, world: Any = cartpole) -> dict[str, Any]:
    """What is remembered: the worlds, past steps, the target network, how many steps there were."""
    zeros = next(model.parameters()).new_zeros
    worlds = world.start(zeros(settings.worlds, 4))
    return {
        "worlds": worlds,
        "over": zeros(settings.worlds) == 0,  # so that all of them start
        "memory": zeros(settings.memory, 2 * world.see(worlds).shape[1] + 3),
        "target": dict(model.named_parameters()),
        "steps": zeros(()),
    }


def act(model: Any, batch: Any, settings: Any, state: dict[str, Any], world: Any = cartpole) -> Any:
    """One step in each world, written to memory; and a batch of past steps to learn from."""
    noise, steps = batch.noise, state["steps"]
    now = torch.where(state["over"][:, None], world.start(noise.start), state["worlds"])
    seen = world.see(now)
    trying = noise.trying < (1 - steps / settings.explore_steps).clamp(min=settings.explore)
    action = torch.where(trying, (2 * noise.action).long(), model(seen).argmax(1))
    after, reward, terminated, truncated = world.step(now, action, settings.limit)
    last = terminated | (truncated & settings.clock_ends)

    columns = [seen, action[:, None], reward[:, None], last[:, None], world.see(after)]
    made = steps * len(now) + torch.arange(len(now), device=steps.device)
    rows = (made % settings.memory).long()
    memory = state["memory"].index_put((rows,), torch.cat(columns, 1))
    filled = (made[-1] + 1).clamp(max=settings.memory)
    copy = steps % settings.copy_every < 1
    target = {n: torch.where(copy, p, state["target"][n]) for n, p in model.named_parameters()}
    return {"past": memory[(noise.picked * filled).long()]}, {
        "worlds": after,
        "over": terminated | truncated,
        "memory": memory,
        "target": target,
        "steps": steps + 1,
    }


def learn(model: Any, batch: Any, settings: Any, state: dict[str, Any]) -> Any:
    """Draw an action's value to its reward and the best that the target network promises next."""
    size = (batch.past.shape[1] - 3) // 2
    seen, action, reward, last, after = batch.past.split([size, 1, 1, 1, size], 1)
    promised = functional_call(model, state["target"], (after,)).amax(1, keepdim=True).detach()
    aim = reward + settings.discount * (1 - last) * promised
    error = (model(seen).gather(1, action.long()) - aim).abs()
    clipped = error.clamp(max=settings.clip_error)  # squares up to here, straight lines beyond
    return (clipped * (error - clipped / 2)).mean(), {}, state


def evaluate(model: Any, batch: Any, settings: Any, state: Any) -> dict[str, Tensor]:
    """Greedy episodes in fresh worlds: the value promised at their start, and what came of it."""
    start = cartpole.start(batch.noise.start)
    promised = model(cartpole.see(start)).amax(1)
    total, value = play(
        cartpole, lambda seen: model(seen).argmax(1), start, TEST_STEPS, settings.discount
    )
    return {"greedy_return": total, "promised_value": promised, "value": value}


def episode(model: Any, batch: Any, settings: Any, state: Any) -> dict[str, Any]:
    """The first of these episodes, to watch."""
    start = cartpole.start(batch.noise.start[:1])
    return {"episode": film(cartpole, lambda seen: model(seen).argmax(1), start, TEST_STEPS)}


@exhibit(tolerance=1e-9)
def judged_as_in_gymnasium() -> float:
    """In CartPole, going right always falls after 10 steps, as in Gymnasium; balancing lasts."""
    start = (double([[0.01, -0.02, 0.03, -0.005]]) + 0.05) / 0.1
    errors = list[Tensor]()
    for rule, push, steps in (((0, 0, 0, 0), 1, 10), ((0.05, 0.2, 1, 1), 0, TEST_STEPS)):

        def prefer(seen: Tensor, rule: Any = rule, push: int = push) -> Tensor:
            lean = seen @ double(rule) + push
            return torch.stack([-lean, lean], 1)

        batch = SimpleNamespace(noise=SimpleNamespace(start=start))
        told = evaluate(prefer, batch, SimpleNamespace(discount=0.9), {})
        errors += [told["greedy_return"] - steps, told["value"] - (1 - 0.9**steps) / 0.1]
    return float(torch.stack(errors).abs().max())


def by_hand(world: World, sees: int, draws: Sequence[Any], **given: Any) -> Iterator[Tensor]:
    """This lab's agent with a linear network, from zero by plain descent; weights [2, sees]."""
    usual: dict[str, Any] = dict(worlds=1, explore_steps=1, explore=0.0, discount=0.9, copy_every=1)
    settings = SimpleNamespace(**{**usual, "clock_ends": False, "clip_error": 1e9, **given})
    model = nn.Linear(sees, 2, bias=False, device="meta").to_empty(device="cpu").double()
    nn.init.zeros_(model.weight)
    state = begin(model, settings, world)
    for noise in draws:
        with torch.no_grad():
            made, state = act(model, SimpleNamespace(noise=noise), settings, state, world)
        loss, _, state = learn(model, SimpleNamespace(**made), settings, state)
        (slope,) = torch.autograd.grad(loss, [model.weight])
        model.weight.data -= 0.8 * slope
        yield model.weight.detach().clone()


@exhibit(tolerance=1e-12)
def as_q_learning() -> tuple[float, dict[str, float]]:
    """With one weight per place and action, and a memory of one step, it is Q-learning."""
    draw = torch.Generator().manual_seed(0)
    noises = [torch.rand(3, 1, generator=draw, dtype=torch.float64) for _ in range(120)]
    draws = [SimpleNamespace(start=n[:1], trying=n[0], action=n[1], picked=n[2]) for n in noises]
    table, place, count, errors = torch.zeros(2, 4).double(), 0, 0, list[Tensor]()
    ours = by_hand(Chain(4), 4, draws, memory=1, explore=0.8, limit=7)
    for draw_, weights in zip(draws, ours, strict=True):
        greedy = int(table[1, place] > table[0, place])
        action = int(2 * draw_.action) if draw_.trying < max(1 - len(errors), 0.8) else greedy
        after, count = max(place + 2 * action - 1, 0), count + 1
        aim = 1.0 if after == 3 else 0.9 * float(table[:, after].max())
        table[action, place] += 0.8 * (aim - table[action, place])
        place, count = (0, 0) if after == 3 or count == 7 else (after, count)
        errors.append(weights - table)
    shown = {f"value of going right at place {i}": float(table[1, i]) for i in range(3)}
    return float(torch.stack(errors).abs().max()), shown


@exhibit(tolerance=1e-8)
def where_values_end() -> tuple[float, dict[str, float]]:
    """1 at every step for ever is worth 5. A clock taken for an end, or a clip, says otherwise.

    With a discount g of 0.8, and one step in t the last: squares end at 1 / (1 - g (1 - 1/t)).
    Clipped errors balance, (1 - 1/t)(1 - (1 - g) v) = 1/t, so v = (1 - 1/(t - 1)) / (1 - g).
    """
    picked = (torch.arange(10).double() + 0.5) / 10
    zero = torch.zeros(1, 1).double()
    noise = SimpleNamespace(start=zero, trying=zero[0], action=zero[0], picked=picked)
    expected: dict[str, tuple[float, dict[str, Any]]] = {
        "the clock ends nothing": (5.0, dict(copy_every=2.0)),
        "each tenth step taken for the last": (1 / (1 - 0.8 * 0.9), dict(clock_ends=True)),
        "so, and errors clipped": ((1 - 1 / 9) / 0.2, dict(clock_ends=True, clip_error=1.0)),
    }
    values, draws = dict[str, float](), [noise] * 220
    for name, (_, given) in expected.items():
        *_, weights = by_hand(Endless(), 1, draws, discount=0.8, memory=10, limit=10, **given)
        values[name] = float(weights[0, 0])
    errors = [values[name] - value for name, (value, _) in expected.items()]
    return float(double(errors).abs().max()), values


def steps_to_solve(curves: Mapping[str, Sequence[float]]) -> float | None:
    """After how many training steps the mean return first solved it; None if never."""
    measured = zip(curves["step"], curves[RETURN], strict=True)
    return next((step for step, value in measured if value >= SOLVED), None)


def solved(value: float) -> bool:
    """Of a mean return."""
    return value >= SOLVED


PANELS = {
    "dqn": "memory and\ntarget network",
    "clipped": "errors clipped",
    "no_replay": "no memory",
    "short": "a new episode\nafter 50 steps",
    "no_target": "no target network",
    "clipped_no_target": "errors clipped,\nno target network",
    "near_clipped_no_target": "... looking 5 steps\nahead, not 50",
    "short_clock_ends": "... and the clock\ntaken for a fall",
}


def picture(report: Any, figure: Any) -> None:
    """Return along training, a line per seed: blue where it is solved at the end."""
    grid = figure.subplots(2, 4, sharex=True, sharey=True)
    figure.subplots_adjust(left=0.07, right=0.98, top=0.81, bottom=0.08, wspace=0.1, hspace=0.36)
    figure.suptitle(
        "Steps that the pole stays up, along training. A line per seed; blue: solved at the end",
        x=0.07,
        ha="left",
    )
    for (name, words), axes in zip(PANELS.items(), grid.flat, strict=True):
        axes.set_title(words, fontsize=9.5)
        axes.set(ylim=(0, 208), xticks=[], yticks=[0, 100, 200])
        rows = [m for m in report.members if m.comparison == name and m.curves.get(RETURN)]
        wins = 0
        for m in rows:
            good = solved(m.final.get(RETURN) or 0.0)
            wins, color = wins + good, "#1f5fbf" if good else "#c9540a"
            axes.plot(m.curves["step"], [v or 0.0 for v in m.curves[RETURN]], color=color, lw=0.7)
        told = axes.text(0.97, 0.07, f"{wins} of {len(rows)}\nsolved", ha="right", size=11)
        told.set(transform=axes.transAxes, zorder=5)
        told.set_bbox(dict(facecolor="#ffffff", edgecolor="none", alpha=0.8, pad=1))


lab = Lab(
    area="reinforcement",
    week=3,
    systems=[53],
    needs=["q-learning"],
    seconds=240,
    text="""
A pole stands on a cart. Push the cart left or right, fifty times a second, so that the pole does
not fall. Nobody tells which push was right; each step that the pole stays up pays 1. A Q-network
learns what each push is worth: its pay, and then the best that the network itself promises for what
comes next. So it chases a target that it moves. It also learns from what it just did, and each step
looks much like the one before.

Two inventions are said to make this stable. A memory of past steps, from which it learns in random
order; and a target network, a copy that makes the promises and is renewed only now and then. Take
each away and see. Here the memory matters, much. The target network does not, until errors are
clipped, as the published agent does: then a rare fall counts no more than any other surprise,
promises grow a little at every step, and only the copy holds them back (see the last exhibit). Look
five steps ahead instead of fifty, and that too is cured.

An episode that the clock ends has not ended: the pole still stands. Who takes it for a fall teaches
the network that good balancing ends badly. The best of many looks along the way hides that.
""",
    model=lambda s: mlp(4, [48, 48], 2),
    train=Training(
        phases=[Phase(learn)],
        evaluate=evaluate,
        noise=lambda s: {
            "start": uniform(s.worlds, 4),
            "trying": uniform(s.worlds),
            "action": uniform(s.worlds),
            "picked": uniform(s.batch),
        },
        evaluation_noise=lambda s: {"start": uniform(100, 4)},
        start=begin,
        collect=act,
        snapshot=episode,
        snapshot_every=2,
        kinds=dict(episode=CART_POLE),
    ),
    optimizer=adam,
    schedule=linear_to_zero,
    settings=dict(
        rate=log(1e-6, 1, 0.005),
        discount=unit(0.98),
        copy_every=log(1, 1e9, 50.0),
        clip_error=log(1e-3, 1e9, 1e9),
        explore=unit(0.05),
        explore_steps=log(1, 1e6, 1000.0),
        limit=linear(1, 1e9, 200.0),
        clock_ends=switch(False),
        memory=whole(1, 1_000_000, 20_000),
        worlds=whole(1, 1000, 16),
        batch=whole(1, 4096, 128),
        steps=whole(1, 1_000_000, 2000),
        measure_every=whole(1, 100_000, 200),
    ),
    compare=dict(
        dqn={},
        no_target=ALONE,
        clipped=CLIPPED,
        clipped_no_target=CLIPPED | ALONE,
        near_clipped_no_target=CLIPPED | ALONE | dict(discount=0.8),
        no_replay=dict(memory=16),
        short=dict(limit=50.0),
        short_clock_ends=dict(limit=50.0, clock_ends=True),
    ),
    quick=dict(steps=600),
    seeds=20,
    metrics=dict(
        greedy_return=Metric(unit="steps", worst=0.0),
        mean_return=Metric(unit="steps", worst=0.0, of=lambda c: fmean(c[RETURN])),
        flattery=Metric(unit="steps", worst=0.0, of=lambda c: max(c[RETURN]) - c[RETURN][-1]),
        steps_to_solve=Metric(unit="training steps", better="lower", worst=2200, of=steps_to_solve),
    ),
    claims=dict(
        first_time=Claim(
            "On average it is solved for the first time within 1,800 training steps.",
            "dqn",
            metric="steps_to_solve",
            at_most=1800,
            expected=SUPPORTED,
            scope="never counts as 2,200",
        ),
        replay=Claim(
            "Replay: with a memory, more is learned all along.",
            "dqn",
            "no_replay",
            metric="mean_return",
            at_least=30,
            expected=SUPPORTED,
        ),
        target=Claim(
            "Without a target network the pole falls much earlier.",
            "no_target",
            "dqn",
            metric=RETURN,
            at_most=-50,
            expected=REFUTED,
        ),
        target_rate=Claim(
            "With a target network, more seeds end solved.",
            "dqn",
            "no_target",
            metric=RETURN,
            success=solved,
            at_least=0.1,
            expected=UNDECIDED,
        ),
        target_with_clipping=Claim(
            "With clipped errors nothing is learned without a target network.",
            "clipped_no_target",
            "clipped",
            metric=RETURN,
            at_most=-50,
            expected=SUPPORTED,
        ),
        near=Claim(
            "Looking five steps ahead, not fifty, cures that.",
            "near_clipped_no_target",
            "clipped_no_target",
            metric=RETURN,
            at_least=100,
            expected=SUPPORTED,
        ),
        clipping=Claim(
            "Clipping the errors, as published, keeps the pole up longer.",
            "clipped",
            "dqn",
            metric=RETURN,
            at_least=10,
            expected=REFUTED,
        ),
        clock=Claim(
            "To take the clock for a fall makes the last network worse.",
            "short_clock_ends",
            "short",
            metric=RETURN,
            at_most=-10,
            expected=SUPPORTED,
        ),
        best=Claim(
            "There, the best of eleven evaluations flatters the network that one ends up with.",
            "short_clock_ends",
            metric="flattery",
            at_least=20,
            expected=SUPPORTED,
        ),
    ),
    exhibits=[judged_as_in_gymnasium, as_q_learning, where_values_end],
    effects=dict(
        rate=0.1,
        discount=0.5,
        copy_every=3.0,
        clip_error=0.01,
        explore=dict(explore=0.9, explore_steps=1.0),
        explore_steps=2.0,
        limit=5.0,
        clock_ends=dict(clock_ends=True, limit=5.0),
        memory=64,
        worlds=4,
        batch=16,
        steps=10,
    ),
    scope="CartPole-v0 (200 steps, solved at 195), MLP 4-48-48-2, 32,000 steps in 16 worlds, the "
    "network at the end, 100 greedy episodes",
    wrong={
        "copy_every=1e9": "The copy is never renewed: every step seems to be worth 1 and what a "
        "fresh network promises. The pole falls after 11 steps.",
        "rate=1": "The first few steps throw the weights far away: one push is always preferred.",
    },
    read_more=[
        "Mnih et al. 2015, Human-level control through deep reinforcement learning",
        "Pardo et al. 2018, Time limits in reinforcement learning",
    ],
    picture=picture,
)
