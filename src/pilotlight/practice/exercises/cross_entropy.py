"""Cross-entropy that does not overflow.

A classifier ends in one number per class, its logits z. Softmax makes probabilities of them, and
the loss of a row is minus the logarithm of the probability of its right class t:

    loss  =  -log( exp(z_t) / sum_k exp(z_k) )  =  log( sum_k exp(z_k) ) - z_t

Computed as it stands, exp(1000) is infinite and log(0) is too. Take the largest logit of each row
away from all of its logits first: the loss stays the same, and no exponent is above 0. Return the
mean over the rows, and write it with exp, log and sums, not with a ready-made loss.
"""

import torch
from torch import Tensor


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean loss, a scalar, of `logits` (rows, classes) whose right classes are `targets` (rows)."""
    # --- solution ---
    shifted = logits - logits.max(dim=1, keepdim=True).values
    log_sums = shifted.exp().sum(dim=1).log()
    right = shifted[torch.arange(len(targets)), targets]
    return (log_sums - right).mean()
    # --- end ---


# --- checks ---
import math
from typing import Any

from torch.nn import functional

from pilotlight.practice.exercise import Check, Exercise, Wrong
from pilotlight.practice.inputs import normal, tensor, whole


def loss(answer: Any, logits: Tensor, targets: Tensor) -> Any:
    """The loss, as it comes back."""
    return {"loss": answer.cross_entropy(logits, targets)}


def one_row(answer: Any) -> Any:
    """The loss of one row is minus the log of its right class's probability."""
    return loss(answer, tensor([[2, -1, 0.5]]), torch.tensor([2]))


def many_rows(answer: Any) -> Any:
    """The loss of many rows is the mean of their losses."""
    return loss(answer, normal(6, 4), whole(4, 6))


def equal_logits(answer: Any) -> Any:
    """Who knows nothing of K classes loses ln K."""
    return loss(answer, torch.zeros(3, 10, dtype=torch.float64), torch.tensor([0, 4, 9]))


def large(answer: Any) -> Any:
    """Logits of 1000 and more do not overflow."""
    return loss(answer, tensor([[1000, 998], [-5000, -5001]]), torch.tensor([1, 0]))


def far_apart(answer: Any) -> Any:
    """A right class far below the others gives a large loss, not an infinite one."""
    return loss(answer, tensor([[0, 2000, 0], [3, 0, -900]]), torch.tensor([0, 2]))


def gradient(answer: Any) -> Any:
    """The gradient is softmax minus 1 at the right class, divided by the number of rows."""
    logits = normal(5, 3, seed=2).requires_grad_()
    answer.cross_entropy(logits, whole(3, 5, seed=2)).backward()
    return {"gradient": logits.grad}


def softmax_minus_one() -> Any:
    """The gradient in closed form."""
    logits, targets = normal(5, 3, seed=2), whole(3, 5, seed=2)
    return {"gradient": (logits.softmax(1) - functional.one_hot(targets, 3)) / 5}


def torch_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """The same by torch."""
    return functional.cross_entropy(logits, targets)


def row_by_row(logits: Tensor, targets: Tensor) -> Tensor:
    """Right as well: a loop, and torch's own logarithm of a sum of exponentials."""
    rows = zip(logits, targets.tolist(), strict=True)
    return torch.stack([row.logsumexp(0) - row[target] for row, target in rows]).mean()


def at_random(answer: Any, generator: torch.Generator) -> Any:
    """Rows of logits, small and large."""
    drawn = torch.randn(4, 3, generator=generator, dtype=torch.float64)
    logits = (drawn * 10 ** torch.rand(1, generator=generator).mul(3)).requires_grad_()
    value = answer.cross_entropy(logits, torch.randint(3, (4,), generator=generator))
    return {"loss": value, "gradient": torch.autograd.grad(value, logits)[0]}


exercise = Exercise(
    area="training",
    needs=["graph"],
    lab="loss-and-activation",
    minutes=15,
    hints=[
        "Taking the same number from all logits of a row changes nothing: it cancels above and "
        "below the fraction bar. Take each row's largest.",
        "logits.max(dim=1, keepdim=True).values has shape (rows, 1), so it can be subtracted from "
        "logits as it is.",
        "The logit of each row's right class: logits[torch.arange(rows), targets].",
        "The logarithm of the sum, not of softmax: a probability may be 0 in floating point, and "
        "its logarithm infinite.",
    ],
    tasks={
        "The loss": [
            one_row,
            many_rows,
            Check(equal_logits, lambda: {"loss": tensor(math.log(10))}),
        ],
        "No overflow": [large, far_apart],
        "Its gradient": [Check(gradient, softmax_minus_one)],
    },
    oracle={"cross_entropy": torch_loss},
    alternative={"cross_entropy": row_by_row},
    sample=at_random,
    wrong=[
        Wrong(
            {" - logits.max(dim=1, keepdim=True).values": ""},
            "The logits go into exp as they are: exp(1000) is infinite. Take each row's largest "
            "logit away first.",
        ),
        Wrong({".mean()": ".sum()"}, "The losses are added up, not averaged over the rows."),
        Wrong(
            {"log_sums - right": "right - log_sums"},
            "The sign is turned round: this is the log of the probability, which training would "
            "make as small as it can.",
        ),
        Wrong(
            {".sum(dim=1)": ".mean(dim=1)"},
            "The exponentials are averaged over the classes, not added: the loss comes out too "
            "small by ln K.",
        ),
        Wrong(
            {"logits.max(dim=1, keepdim=True).values": "logits.max(dim=0, keepdim=True).values"},
            "The largest logit was taken from each column, over the rows: rows then lose different "
            "amounts in different classes. It is taken from each row, dim=1.",
        ),
        Wrong(
            {"shifted.exp().sum(dim=1).log()": "shifted.exp().sum(dim=0).log().mean()"},
            "The sum runs over the rows, dim=0: softmax is over the classes of one row, dim=1.",
        ),
        Wrong(
            {
                "log_sums = shifted.exp().sum(dim=1).log()": "log_sums = 0",
                "shifted[torch": "shifted.softmax(dim=1).log()[torch",
            },
            "Softmax first, its log afterwards: a small probability is rounded to 0, and its log "
            "is infinite. Take the log of the sum instead.",
        ),
        Wrong(
            {
                "log_sums = shifted.exp().sum(dim=1).log()": "log_sums = 0",
                "shifted[torch": "(shifted.softmax(dim=1) + 1e-8).log()[torch",
            },
            "A small number added inside the log hides the overflow: every loss is a little off, "
            "and none can be above 18. Take the log of the sum instead.",
        ),
        Wrong(
            {"shifted[torch.arange(len(targets)), targets]": "shifted[:, targets].mean(dim=1)"},
            "logits[:, targets] takes all rows' targets from every row. Pair row i with target i: "
            "logits[torch.arange(rows), targets].",
        ),
        Wrong(
            {"log_sums - right": "log_sums.detach() - right"},
            "The sum was cut from the graph: the gradient then only raises the right class's "
            "logit, and lowers none.",
        ),
        Wrong(
            {".log()": ".log2()"},
            "The logarithm has base 2. Losses are in nats: the natural logarithm.",
        ),
    ],
)
