"""The reparameterization trick.

A variational autoencoder draws its code z from a normal distribution with mean m and log variance
v, both of which a network computed. A draw has no gradient: how should the network know which mean
would have been better? The trick is to draw from a distribution that does not depend on the
network, and to shift and stretch what was drawn:

    z  =  m + exp(v / 2) * noise,      noise from N(0, 1)

Now z is a plain function of m and v, and the gradient reaches both. exp(v / 2) is the standard
deviation, the root of the variance exp(v). A network may give any number for v, and the deviation
stays positive. The noise is drawn by the caller, often several times for each row at once.
"""

from torch import Tensor


def draw_code(mean: Tensor, log_variance: Tensor, noise: Tensor) -> Tensor:
    """`mean` and `log_variance` (rows, code), `noise` (rows, code) or (draws, rows, code).

    Returns the codes, in the shape of `noise`.
    """
    # --- solution ---
    deviation = (log_variance / 2).exp()
    return mean + deviation * noise
    # --- end ---


# --- checks ---
import math
from typing import Any

import torch
from torch.distributions import Normal

from pilotlight.practice.exercise import Check, Exercise, Wrong
from pilotlight.practice.inputs import normal, tensor


def parameters(rows: int, code: int) -> list[Tensor]:
    """Mean and log variance, as a network gives them."""
    return [normal(rows, code, seed=seed).requires_grad_() for seed in (1, 2)]


def even_noise() -> Tensor:
    """Fifty draws for two rows of three, whose mean is 0 and whose variance is 1 exactly."""
    noise = normal(50, 2, 3)
    noise = noise - noise.mean(dim=0)
    return noise / noise.square().mean(dim=0).sqrt()


def by_hand(answer: Any) -> Any:
    """A variance of 4 is a deviation of 2: noise of 1.5 moves the code by 3."""
    variances = tensor([[4, 1, 0.25]])
    return {"code": answer.draw_code(tensor([[10, -1, 0]]), variances.log(), tensor([[1.5, 2, 4]]))}


def sizes(answer: Any) -> Any:
    """Several draws for each row give as many codes."""
    mean, log_variance = parameters(3, 2)
    return {"codes": answer.draw_code(mean, log_variance, normal(4, 3, 2))}


def no_noise(answer: Any) -> Any:
    """Without noise the code is the mean."""
    return {"code": answer.draw_code(normal(2, 3), normal(2, 3, seed=1), 0 * normal(2, 3))}


def extremes(answer: Any) -> Any:
    """The variance may be tiny or huge, and nothing becomes nan."""
    log_variance = tensor([[-2000, -60, 60]])
    return {"code": answer.draw_code(tensor([[1, 1, 1]]), log_variance, tensor([[2, -1, 1]]))}


def spread(answer: Any) -> Any:
    """Over many draws the codes have the mean m and the variance exp(v)."""
    codes = answer.draw_code(*parameters(2, 3), even_noise()).detach()
    return {"mean": codes.mean(dim=0), "variance": codes.var(dim=0, correction=0)}


def gradients(answer: Any) -> Any:
    """The gradient goes to mean and log variance."""
    given = parameters(2, 3)
    (answer.draw_code(*given, normal(2, 3)) * normal(2, 3, seed=3)).sum().backward()
    return {"mean's gradient": given[0].grad, "log variance's gradient": given[1].grad}


def of_a_mean_square(answer: Any) -> Any:
    """The mean of z^2 grows by 2 m with the mean, and by exp(v) with the log variance."""
    given = parameters(2, 3)
    answer.draw_code(*given, even_noise()).square().mean(dim=0).sum().backward()
    return {"mean's gradient": given[0].grad, "log variance's gradient": given[1].grad}


def untouched(answer: Any) -> Any:
    """What goes in is read, not changed."""
    given = [normal(2, 3, seed=seed) for seed in range(3)]
    answer.draw_code(*given)
    return dict(zip(("mean", "log variance", "noise"), given, strict=True))


def codes_by_hand() -> Any:
    """10 + 2 * 1.5, -1 + 2 and 4 / 2."""
    return {"code": tensor([[13, 1, 2]])}


def extremes_by_hand() -> Any:
    """The first deviation is 0 to the last digit."""
    return {"code": tensor([[1, 1 - math.exp(-30), 1 + math.exp(30)]])}


def moments() -> Any:
    """Of m + s * noise, where the noise has mean 0 and variance 1."""
    mean, log_variance = parameters(2, 3)
    return {"mean": mean.detach(), "variance": log_variance.exp().detach()}


def slopes() -> Any:
    """The mean of z^2 is m^2 + exp(v)."""
    mean, log_variance = (t.detach() for t in parameters(2, 3))
    return {"mean's gradient": 2 * mean, "log variance's gradient": log_variance.exp()}


def by_quantile(mean: Tensor, log_variance: Tensor, noise: Tensor) -> Tensor:
    """The same by torch's distributions: the point as far along as the noise is in N(0, 1)."""
    share = Normal(torch.zeros_like(noise), 1.0).cdf(noise)
    return Normal(mean, log_variance.exp().sqrt()).icdf(share)


def by_power(mean: Tensor, log_variance: Tensor, noise: Tensor) -> Tensor:
    """Right as well: the root of the variance, multiplied and added by one function."""
    return torch.addcmul(mean, torch.pow(math.e, log_variance * 0.5), noise)


def at_random(answer: Any, generator: torch.Generator) -> Any:
    """Any sizes, with and without more draws."""
    rows, code, draws = torch.randint(1, 5, (3,), generator=generator).tolist()
    drawn = torch.randn(draws + 2, rows, code, generator=generator, dtype=torch.float64)
    mean, log_variance, noise = drawn[0].requires_grad_(), drawn[1], drawn[2:]
    return {
        "one": answer.draw_code(mean, log_variance, noise[0]),
        "many": answer.draw_code(mean, log_variance, noise),
    }


exercise = Exercise(
    area="generative",
    needs=["vae-loss"],
    minutes=10,
    hints=[
        "First the standard deviation from the log variance. The root of exp(v) is exp(v / 2).",
        "Nothing is drawn here: the noise is given. Stretch it, then shift it.",
        "No detach, no item, no torch.no_grad(): the gradient must find its way to both.",
    ],
    tasks={
        "The code": [
            Check(by_hand, codes_by_hand),
            no_noise,
            sizes,
            Check(extremes, extremes_by_hand),
            untouched,
        ],
        "Many draws": [Check(spread, moments)],
        "Backward": [gradients, Check(of_a_mean_square, slopes)],
    },
    oracle={"draw_code": by_quantile},
    alternative={"draw_code": by_power},
    sample=at_random,
    wrong=[
        Wrong(
            {"(log_variance / 2).exp()": "log_variance.exp()"},
            "The noise is stretched by the variance, exp(v). It takes the standard deviation, its "
            "root: exp(v / 2).",
        ),
        Wrong(
            {"(log_variance / 2).exp()": "log_variance"},
            "The log variance is used as it is: it may be negative, and at v = 0 nothing would be "
            "random. The deviation is exp(v / 2).",
        ),
        Wrong(
            {"(log_variance / 2).exp()": "log_variance.sqrt()"},
            "The root of the log variance is not the deviation, and of a negative one it is nan. "
            "The deviation is exp(v / 2).",
        ),
        Wrong(
            {"(log_variance / 2)": "(2 * log_variance)"},
            "The log variance is doubled: that is the square of the variance. The root halves it.",
        ),
        Wrong(
            {"(log_variance / 2)": "(-log_variance / 2)"},
            "The sign of the log variance is turned round: sure codes become wide and wide ones "
            "sure.",
        ),
        Wrong(
            {"mean + deviation * noise": "mean + noise"},
            "The noise is not stretched: all codes have a deviation of 1, and the log variance "
            "is for nothing.",
        ),
        Wrong(
            {"mean + deviation * noise": "(mean + noise) * deviation"},
            "The mean is stretched as well: stretch the noise, then add the mean.",
        ),
        Wrong(
            {"mean + deviation": "deviation"},
            "The mean is not added: all codes lie around 0.",
        ),
        Wrong(
            {
                "mean + deviation * noise": "torch.normal((mean + 0 * noise).detach(), "
                "(deviation + 0 * noise).detach())",
                "deviation = ": "import torch\n\ndeviation = ",
            },
            "It draws by itself, from the network's own distribution: such a draw has no gradient, "
            "and nothing below it learns. Shift and stretch the noise that is given.",
        ),
        Wrong(
            {"return mean + deviation * noise": "return (mean + deviation * noise).detach()"},
            "The code was cut from the graph: neither mean nor log variance would learn.",
        ),
        Wrong(
            {"deviation * noise": "deviation.detach() * noise"},
            "The deviation was cut from the graph: the log variance would learn from the "
            "divergence alone, and go to 0.",
        ),
        Wrong(
            {"return mean + deviation * noise": "return noise.mul_(deviation).add_(mean)"},
            "The noise was changed in place: it belongs to the caller, who may use it again.",
        ),
    ],
)
