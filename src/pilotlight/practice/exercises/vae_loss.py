"""The loss of a variational autoencoder.

The encoder of a variational autoencoder does not give one code for an input x, but a distribution
of codes: a normal one with its own mean m and log variance v for each of the code's numbers. The
decoder makes a reconstruction r of x from a code drawn from it. The loss of one row has two parts:

    reconstruction  =  1/2 * sum over the inputs (x - r)^2
    divergence      =  1/2 * sum over the code   (m^2 + exp(v) - 1 - v)

The second is the Kullback-Leibler divergence from the standard normal distribution N(0, 1), which
is 0 only for m = 0 and v = 0. It keeps the codes where new ones can be drawn. Both are sums, as
each number adds its own surprise: a mean in place of one sum changes how much the other part
weighs. Return the mean over the rows of reconstruction + divergence.
"""

from torch import Tensor


def vae_loss(x: Tensor, reconstruction: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """A scalar. `x` and `reconstruction` (rows, inputs), `mean` and `log_variance` (rows, code)."""
    # --- solution ---
    error = (x - reconstruction).square().sum(dim=1) / 2
    divergence = (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1) / 2
    return (error + divergence).mean()
    # --- end ---


# --- checks ---
import math
from typing import Any

import torch
from torch.distributions import Independent, MultivariateNormal, Normal, kl_divergence

from pilotlight.practice.exercise import Check, Exercise, Wrong
from pilotlight.practice.inputs import normal, tensor


def zeros(*shape: int) -> Tensor:
    """A code of mean 0 and log variance 0 is the standard normal distribution."""
    return torch.zeros(shape, dtype=torch.float64)


def drawn(rows: int, inputs: int, code: int) -> list[Tensor]:
    """Inputs, reconstruction, mean and log variance."""
    sizes = (inputs, inputs, code, code)
    return [normal(rows, size, seed=i) for i, size in enumerate(sizes)]


def reconstruction_alone(answer: Any) -> Any:
    """Where the code is standard normal, what is left is half the sum of the squared errors."""
    x, reconstruction = tensor([[1, 2, 3]]), tensor([[1, 0, 6]])
    return {"loss": answer.vae_loss(x, reconstruction, zeros(1, 2), zeros(1, 2))}


def divergence_alone(answer: Any) -> Any:
    """Where the reconstruction is perfect, what is left is the divergence."""
    x, log_variance = normal(1, 3), tensor([[0, 0, math.log(4)]])
    return {"loss": answer.vae_loss(x, x, tensor([[3, -1, 0]]), log_variance)}


def both(answer: Any) -> Any:
    """The loss of a row is the sum of both, each summed over its own numbers."""
    return {"loss": answer.vae_loss(*drawn(1, 7, 3))}


def many_rows(answer: Any) -> Any:
    """The loss of many rows is the mean of their losses."""
    return {"loss": answer.vae_loss(*drawn(5, 4, 2))}


def never_negative(answer: Any) -> Any:
    """No code is closer to the standard normal than that itself, whatever its variance."""
    x = zeros(1, 1)
    return {
        f"log variance {v}": answer.vae_loss(x, x, x, torch.full_like(x, v))
        for v in (-30.0, -1.0, 0.0, 1.0, 5.0)
    }


def gradients(answer: Any) -> Any:
    """The gradient goes to reconstruction, mean and log variance."""
    x, *inputs = (t.requires_grad_() for t in drawn(3, 4, 2))
    answer.vae_loss(x.detach(), *inputs).backward()
    names = ("reconstruction's gradient", "mean's gradient", "log variance's gradient")
    return {name: t.grad for name, t in zip(names, inputs, strict=True)}


def by_hand() -> Any:
    """Half of 9 + 1 from the means, and half of 4 - 1 - ln 4 from the variance."""
    return {"loss": tensor(5 + 1.5 - math.log(2))}


def gradients_by_hand() -> Any:
    """Of each of three rows: r - x, m and (exp(v) - 1) / 2."""
    x, reconstruction, mean, log_variance = drawn(3, 4, 2)
    return {
        "reconstruction's gradient": (reconstruction - x) / 3,
        "mean's gradient": mean / 3,
        "log variance's gradient": (log_variance.exp() - 1) / 6,
    }


def by_distributions(
    x: Tensor, reconstruction: Tensor, mean: Tensor, log_variance: Tensor
) -> Tensor:
    """The same by torch's distributions: minus a log density, without its constant."""
    likelihood = Independent(Normal(reconstruction, 1.0), 1).log_prob(x)
    surprise = -likelihood - x.shape[1] * math.log(2 * math.pi) / 2
    code = Independent(Normal(mean, (log_variance / 2).exp()), 1)
    prior = Independent(Normal(torch.zeros_like(mean), 1.0), 1)
    return (surprise + kl_divergence(code, prior)).mean()


def row_by_row(x: Tensor, reconstruction: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """Right as well: distances, and torch's divergence of whole covariance matrices."""
    prior = MultivariateNormal(torch.zeros_like(mean[0]), torch.eye(mean.shape[1]).to(mean))
    losses = [
        (a - b).dot(a - b) / 2 + kl_divergence(MultivariateNormal(m, torch.diag(v.exp())), prior)
        for a, b, m, v in zip(x, reconstruction, mean, log_variance, strict=True)
    ]
    return torch.stack(losses).sum() / len(losses)


def at_random(answer: Any, generator: torch.Generator) -> Any:
    """Any sizes."""
    rows, inputs, code = torch.randint(1, 6, (3,), generator=generator).tolist()

    def draw(size: int) -> Tensor:
        return torch.randn(rows, size, generator=generator, dtype=torch.float64).requires_grad_()

    given = [draw(inputs), draw(inputs), draw(code), draw(code)]
    loss = answer.vae_loss(*given)
    return {"loss": loss, "gradients": torch.autograd.grad(loss, given, allow_unused=True)}


ERROR = "(x - reconstruction).square().sum(dim=1)"
TERMS = "(mean.square() + log_variance.exp() - 1 - log_variance)"

exercise = Exercise(
    area="generative",
    needs=["cross-entropy"],
    minutes=15,
    hints=[
        "One line for each part, with .sum(dim=1): one number for each row is left.",
        "A log variance needs no logarithm any more: the variance is log_variance.exp(), and its "
        "logarithm is log_variance itself.",
        "Add both parts row by row, then take the mean over the rows.",
    ],
    tasks={
        "The two parts": [reconstruction_alone, Check(divergence_alone, by_hand), never_negative],
        "The loss": [both, many_rows],
        "Backward": [Check(gradients, gradients_by_hand)],
    },
    oracle={"vae_loss": by_distributions},
    alternative={"vae_loss": row_by_row},
    sample=at_random,
    wrong=[
        Wrong(
            {"square().sum(dim=1) / 2": "square().mean(dim=1) / 2"},
            "The squared errors are averaged over the inputs, as mse_loss does, not summed: with "
            "784 pixels the divergence weighs 784 times too much, and codes tell nothing.",
        ),
        Wrong(
            {f"{TERMS}.sum(dim=1)": f"{TERMS}.mean(dim=1)"},
            "The divergence is averaged over the code, not summed: the longer the code, the less "
            "each of its numbers is held near the standard normal.",
        ),
        Wrong(
            {"(error + divergence).mean()": "(error + divergence).sum()"},
            "The rows are added up, not averaged: the gradient grows with the size of the batch.",
        ),
        Wrong(
            {"error + divergence": "error - divergence"},
            "The divergence is subtracted: training would drive the codes away from the standard "
            "normal, without end.",
        ),
        Wrong(
            {"error + divergence": "error"},
            "The divergence is computed and left out: this is a plain autoencoder.",
        ),
        Wrong(
            {"log_variance.exp() - 1 - log_variance": "(-log_variance).exp() - 1 + log_variance"},
            "The log variance has the wrong sign: narrow codes are punished as wide ones should "
            "be, and wide ones as narrow.",
        ),
        Wrong(
            {"- 1 - log_variance": "- 1 + log_variance"},
            "The last term, v, is added: then nothing keeps the variance from going to 0. It is "
            "subtracted.",
        ),
        Wrong(
            {
                "log_variance.exp() - 1 - log_variance": "(2 * log_variance).exp() - 1 "
                "- 2 * log_variance"
            },
            "The log variance is taken for the log of the standard deviation: the variance is "
            "exp(v), not exp(2 v).",
        ),
        Wrong(
            {"log_variance.exp() - 1 - log_variance": "log_variance - 1 - log_variance.log()"},
            "The log variance is taken for the variance: it may be negative, and its log is then "
            "nan. The variance is exp(v).",
        ),
        Wrong(
            {" - 1 - log": " - log"},
            "The - 1 is missing: the divergence of the standard normal from itself must be 0.",
        ),
        Wrong(
            {f"{TERMS}.sum(dim=1) / 2": f"{TERMS}.sum(dim=1)"},
            "The half of the divergence is missing: it weighs twice as much as it should.",
        ),
        Wrong(
            {f"{ERROR} / 2": ERROR},
            "The half of the reconstruction is missing: it weighs twice as much as it should.",
        ),
        Wrong(
            {"mean.square()": "mean"},
            "The mean is not squared: a negative one would even lower the loss.",
        ),
    ],
)
