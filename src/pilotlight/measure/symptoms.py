"""Symptoms of a sick training, one function each: a network's curves and probes to evidence.

A symptom says what was seen, with its numbers, or nothing. What it means and what to try stands in
`diagnosis`. Thresholds were chosen on networks with seeds 0-99 and are held against others in the
tests: each illness must be found, and no healthy network accused.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pilotlight.core.report import MemberRow

Curve = npt.NDArray[np.float64]

UNLEARNED = 0.02
"""Share of its first loss that a network must lose to have learned anything."""
RISES, RISES_PER_FALL = 0.25, 2.0
"""Rises of the training loss, summed: in units of its first value, and of what it fell in all."""
STILL_FALLING, UNFINISHED = 0.12, 0.5
"""Share of the whole fall of the training loss that came in the last fifth of the run; an even fall
has 0.2. It is asked of networks that still have more than this share of their first loss."""
FADED, GROWN = 1e-3, 1e3
"""Gradient of the activations at the first layer over that at the last."""
MOSTLY_DEAD = 0.6
"""Share of the units of a layer that are 0 for every row."""
OVERFITTED = 0.10
"""How far the loss on rows not trained on ends above its lowest, as a share of it."""
ERRORS = 3.0
"""Standard errors by which an accuracy must differ from another to be told apart."""


@dataclass(frozen=True)
class Context:
    """What symptoms need to know of a run beside its curves.

    `rows[part]` counts rows, `classes` is None for anything but classification.
    """

    rows: Mapping[str, int]
    classes: int | None = None

    @property
    def held_out(self) -> str:
        """The part whose rows were not trained on: validation where there is one."""
        return "validation" if "validation" in self.rows else "test"


def curve(member: MemberRow, metric: str) -> tuple[Curve, Curve]:
    """(epoch, value) of a metric where it was measured; both empty where it never was."""
    pairs = [
        (epoch, value)
        for epoch, value in zip(
            member.curves.get("epoch", ()), member.curves.get(metric, ()), strict=False
        )
        if epoch is not None and value is not None and math.isfinite(value)
    ]
    array = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    return array[:, 0], array[:, 1]


def diverged(member: MemberRow, context: Context) -> str:
    """The loss stopped being a number."""
    if member.diverged_at is None:
        return ""
    return f"the loss was no longer a number after step {member.diverged_at}"


def not_learning(member: MemberRow, context: Context) -> str:
    """The training loss ends about where it began."""
    _, loss = curve(member, "train_loss")
    if len(loss) < 2 or member.diverged_at is not None or _jumps(loss):
        return ""
    kept = float(loss[-1] / loss[0]) if loss[0] > 0 else 0.0
    if kept < 1 - UNLEARNED:
        return ""
    return f"the training loss went from {loss[0]:.3g} to {loss[-1]:.3g}"


def rate_too_high(member: MemberRow, context: Context) -> str:
    """The training loss jumps up again and again, or ends above where it began."""
    _, loss = curve(member, "train_loss")
    if len(loss) < 3 or member.diverged_at is not None or not _jumps(loss):
        return ""
    rises = float(np.clip(np.diff(loss), 0, None).sum())
    return f"the training loss rose by {rises:.3g} in sum; it began at {loss[0]:.3g}"


def _jumps(loss: Curve) -> bool:
    rises = float(np.clip(np.diff(loss), 0, None).sum())
    fell = float(loss[0] - loss[-1])
    return len(loss) >= 3 and rises > max(RISES * float(loss[0]), RISES_PER_FALL * fell)


def rate_too_low(member: MemberRow, context: Context) -> str:
    """The training loss was still falling when the run ended."""
    _, loss = curve(member, "train_loss")
    if len(loss) < 6 or member.diverged_at is not None or _jumps(loss):
        return ""
    first, last, before = float(loss[0]), float(loss[-1]), float(loss[-1 - len(loss) // 5])
    if last < UNFINISHED * first or before - last < STILL_FALLING * (first - last):
        return ""
    return (
        f"the training loss was still falling at the end, from {before:.3g} to {last:.3g} in the "
        f"last fifth of the run; it began at {first:.3g}"
    )


def overfitting(member: MemberRow, context: Context) -> str:
    """The loss on rows not trained on rises while the training loss falls."""
    epoch, held_out = curve(member, f"{context.held_out}_loss")
    _, train = curve(member, "train_loss")
    if len(held_out) < 4 or len(train) != len(held_out) or member.diverged_at is not None:
        return ""
    best = int(held_out.argmin())
    rise = float(held_out[-1] - held_out[best])
    # One standard error of a mean loss is about the loss itself over the root of the rows.
    noise = ERRORS * float(held_out[best]) / math.sqrt(max(context.rows[context.held_out], 1))
    small = rise < max(OVERFITTED * float(held_out[best]), noise)
    if small or best > len(held_out) - 3 or train[-1] >= train[best]:
        return ""
    return (
        f"the {context.held_out} loss was lowest after epoch {epoch[best]:g} ({held_out[best]:.3g})"
        f" and ended at {held_out[-1]:.3g}, while the training loss fell from {train[best]:.3g} "
        f"to {train[-1]:.3g}"
    )


def better_on_held_out(member: MemberRow, context: Context) -> str:
    """More accurate on rows not trained on than on those trained on, beyond chance."""
    part = context.held_out
    _, held_out = curve(member, f"{part}_accuracy")
    _, train = curve(member, "train_accuracy")
    if not len(held_out) or not len(train):
        return ""
    high, low = float(held_out[-1]), float(train[-1])
    error = math.sqrt(
        high * (1 - high) / context.rows[part] + low * (1 - low) / context.rows["train"]
    )
    if high - low <= max(ERRORS * error, 0.01):
        return ""
    return f"accuracy {high:.3f} on {part} rows, {low:.3f} on training rows"


def vanishing_gradient(member: MemberRow, context: Context) -> str:
    """Almost nothing of the gradient reaches the first layer."""
    ratio = _first_over_last(member)
    if ratio is None or ratio >= FADED:
        return ""
    return f"the gradient at the first layer is {ratio:.0e} of that at the last, before training"


def exploding_gradient(member: MemberRow, context: Context) -> str:
    """The gradient grows on its way back to the first layer."""
    ratio = _first_over_last(member)
    if ratio is None or ratio <= GROWN:
        return ""
    return f"the gradient at the first layer is {ratio:.0e} times that at the last, before training"


def _first_over_last(member: MemberRow) -> float | None:
    """Of the activations' gradients, before training; a gradient of exactly 0 has vanished."""
    if not member.probes:
        return None
    first = member.probes[min(member.probes, key=int)].get("activation gradient", {})
    known = [v for v in first.values() if v is not None]
    if len(known) < 3 or not known[-1]:
        return None
    return known[0] / known[-1]


def dead_units(member: MemberRow, context: Context) -> str:
    """Most ReLUs of a layer are 0 for every row: no gradient can bring them back."""
    if not member.probes:
        return ""
    last = member.probes[max(member.probes, key=int)].get("dead", {})
    worst = max(((v, name) for name, v in last.items() if v is not None), default=None)
    if worst is None or worst[0] < MOSTLY_DEAD:
        return ""
    return f"{100 * worst[0]:.0f} % of the units of layer {worst[1]!r} are 0 for every row"


def at_chance(members: Sequence[MemberRow], context: Context) -> bool:
    """Whether the networks, together, read held-out rows no better than by guessing."""
    if not context.classes:
        return False
    ends = [curve(m, f"{context.held_out}_accuracy")[1] for m in members]
    finals = [float(values[-1]) for values in ends if len(values)]
    chance = 1 / context.classes
    rows = max(context.rows.get(context.held_out, 0), 1)
    error = math.sqrt(chance * (1 - chance) / rows)
    return bool(finals) and float(np.mean(finals)) < chance + ERRORS * error
