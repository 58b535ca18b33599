"""The two losses of a generative adversarial network.

A generator makes fakes, a discriminator tells them from real examples. The discriminator gives one
logit for each example; its sigmoid is the probability, in the discriminator's eyes, that the
example is real. The discriminator is to say "real" of real examples and "fake" of fakes; the
generator is to make it say "real" of fakes:

    discriminator's loss  =  mean over real examples of -log sigmoid(logit)
                             + mean over fakes of -log(1 - sigmoid(logit))
    generator's loss      =  mean over fakes of -log sigmoid(logit)

The generator could as well make log(1 - sigmoid(fake logit)) small. But its gradient vanishes just
when the discriminator is sure that a fake is one: at the start, when there is most to learn.

A sure discriminator has logits of 100 and more, and log(0) is infinite. Use softplus, which
computes softplus(z) = log(1 + exp(z)) = -log(1 - sigmoid(z)) without overflow.
"""

from torch import Tensor
from torch.nn.functional import softplus


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """A scalar. One logit for each real example, one for each fake; there may be more of one."""
    # --- solution ---
    return softplus(-real_logits).mean() + softplus(fake_logits).mean()
    # --- end ---


def generator_loss(fake_logits: Tensor) -> Tensor:
    """A scalar, from one logit for each fake."""
    # --- solution ---
    return softplus(-fake_logits).mean()
    # --- end ---


# --- checks ---
import math
from typing import Any

import torch
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid

from pilotlight.practice.exercise import Check, Exercise, Wrong
from pilotlight.practice.inputs import normal, tensor


def undecided(answer: Any) -> Any:
    """A discriminator that cannot tell, with logits of 0, loses 2 ln 2, and the generator ln 2."""
    logits = 0 * normal(4)
    return {
        "discriminator's loss": answer.discriminator_loss(logits, logits),
        "generator's loss": answer.generator_loss(logits),
    }


def discriminator(answer: Any) -> Any:
    """The discriminator's loss is the mean over real examples plus the mean over fakes."""
    return {"loss": answer.discriminator_loss(2 * normal(5), 3 * normal(5, seed=1))}


def generator(answer: Any) -> Any:
    """The generator's loss is the mean over the fakes of -log sigmoid(logit)."""
    return {"loss": answer.generator_loss(2 * normal(6))}


def uneven(answer: Any) -> Any:
    """Fakes and real examples weigh the same, also if there are more of one."""
    return {"loss": answer.discriminator_loss(normal(2), normal(7, seed=1))}


def sure(answer: Any) -> Any:
    """A discriminator that is sure, and right or wrong, gives a loss that is finite."""
    high, low = tensor([1000, 200]), tensor([-1000, -300])
    return {
        "right": answer.discriminator_loss(high, low),
        "wrong": answer.discriminator_loss(low, high),
        "wrong by 50": answer.discriminator_loss(tensor([-50]), tensor([50])),
        "generator, found out": answer.generator_loss(low),
        "generator, believed": answer.generator_loss(high),
    }


def discriminator_gradient(answer: Any) -> Any:
    """The gradient raises the logits of real examples and lowers those of fakes."""
    real, fake = normal(3).requires_grad_(), normal(4, seed=1).requires_grad_()
    answer.discriminator_loss(real, fake).backward()
    return {"of real logits": real.grad, "of fake logits": fake.grad}


def generator_gradient(answer: Any) -> Any:
    """The generator's gradient is strongest where a fake is found out, all but 0 where not."""
    fake = tensor([-30, -1, 0, 2, 30]).requires_grad_()
    answer.generator_loss(fake).backward()
    return {"of fake logits": fake.grad}


def in_logarithms() -> Any:
    """A half in either place."""
    return {
        "discriminator's loss": tensor(2 * math.log(2)),
        "generator's loss": tensor(math.log(2)),
    }


def beyond_doubt() -> Any:
    """Where sigmoid is 0 or 1 to the last digit, the loss is 0 or the logit's size."""
    return {
        "right": tensor(0),
        "wrong": tensor(650 + 600),
        "wrong by 50": tensor(100),
        "generator, found out": tensor(650),
        "generator, believed": tensor(0),
    }


def discriminator_slope() -> Any:
    """Sigmoid less what it ought to be, divided by how many there are."""
    real, fake = normal(3), normal(4, seed=1)
    return {"of real logits": (real.sigmoid() - 1) / 3, "of fake logits": fake.sigmoid() / 4}


def generator_slope() -> Any:
    """Minus the probability of being found out, divided by how many there are."""
    return {"of fake logits": -tensor([30, 1, 0, -2, -30]).sigmoid() / 5}


def cross_entropy_of_both(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """The same by torch: real examples have target 1, fakes 0."""
    real = binary_cross_entropy_with_logits(real_logits, torch.ones_like(real_logits))
    return real + binary_cross_entropy_with_logits(fake_logits, torch.zeros_like(fake_logits))


def cross_entropy_of_fakes(fake_logits: Tensor) -> Tensor:
    """The same by torch: the generator wants its fakes to have target 1."""
    return binary_cross_entropy_with_logits(fake_logits, torch.ones_like(fake_logits))


def by_logsigmoid(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Right as well: 1 - sigmoid(z) is sigmoid(-z)."""
    return -(logsigmoid(real_logits).mean() + logsigmoid(-fake_logits).mean())


def by_logaddexp(fake_logits: Tensor) -> Tensor:
    """Right as well: log(exp(0) + exp(-z))."""
    nothing = torch.zeros_like(fake_logits)
    return torch.logaddexp(nothing, -fake_logits).sum() / len(fake_logits)


def at_random(answer: Any, generator: torch.Generator) -> Any:
    """Any number of real examples and fakes, small and large logits."""
    reals, fakes = torch.randint(1, 6, (2,), generator=generator).tolist()
    drawn = torch.randn(reals + fakes, generator=generator, dtype=torch.float64).requires_grad_()
    loss = answer.discriminator_loss(9 * drawn[:reals], 9 * drawn[reals:])
    loss = loss + 3 * answer.generator_loss(9 * drawn[reals:])
    return {"losses": loss, "gradients": torch.autograd.grad(loss, drawn)}


exercise = Exercise(
    area="generative",
    needs=["cross-entropy"],
    lab="gan",
    minutes=15,
    hints=[
        "1 - sigmoid(z) is sigmoid(-z). So -log sigmoid(z) is softplus(-z), and "
        "-log(1 - sigmoid(z)) is softplus(z).",
        "Three terms, each softplus of something, then .mean(). Two belong to the discriminator.",
        "The generator's loss is what the discriminator would lose if its fakes were real.",
    ],
    tasks={
        "The losses": [Check(undecided, in_logarithms), discriminator, generator, uneven],
        "No overflow": [Check(sure, beyond_doubt)],
        "Backward": [
            Check(discriminator_gradient, discriminator_slope),
            Check(generator_gradient, generator_slope),
        ],
    },
    oracle={
        "discriminator_loss": cross_entropy_of_both,
        "generator_loss": cross_entropy_of_fakes,
    },
    alternative={"discriminator_loss": by_logsigmoid, "generator_loss": by_logaddexp},
    sample=at_random,
    wrong=[
        Wrong(
            {"return softplus(-fake_logits)": "return -softplus(fake_logits)"},
            "The generator makes log(1 - sigmoid) small: the saturating form. Where a fake is "
            "found out, its gradient is all but 0, and the generator stays as it is.",
        ),
        Wrong(
            {"return softplus(-fake_logits)": "return softplus(fake_logits)"},
            "The generator's sign is turned round: it would learn to be found out.",
        ),
        Wrong(
            {"softplus(-real_logits)": "softplus(real_logits)", "+ softplus(f": "+ softplus(-f"},
            "The discriminator's signs are turned round: it would call real examples fake, and "
            "fakes real.",
        ),
        Wrong(
            {"mean() + softplus(fake_logits)": "mean() + softplus(-fake_logits)"},
            "The discriminator is rewarded for calling everything real, the fakes too.",
        ),
        Wrong(
            {" + softplus(fake_logits).mean()": ""},
            "The fakes are left out: who calls everything real would lose nothing.",
        ),
        Wrong(
            {
                "softplus(-real_logits).mean()": "(softplus(-real_logits).sum()",
                "softplus(fake_logits).mean()": "softplus(fake_logits).sum()) "
                "/ (len(real_logits) + len(fake_logits))",
            },
            "All examples are averaged together: half the loss, and whichever are more weigh "
            "more. Take a mean of each.",
        ),
        Wrong(
            {
                "softplus(-real_logits).mean() + softplus(fake_logits).mean()": "(softplus("
                "-real_logits).mean() + softplus(fake_logits).mean()) / 2"
            },
            "The discriminator's loss is halved: a common habit, but the task adds both means.",
        ),
        Wrong(
            {
                "softplus(-real_logits).mean() + softplus(fake_logits).mean()": "softplus("
                "-real_logits).sum() + softplus(fake_logits).sum()"
            },
            "The examples are added up, not averaged: the gradient grows with the batch.",
        ),
        Wrong(
            {
                "return softplus(-real_logits)": "return -real_logits.sigmoid().log()",
                "+ softplus(fake_logits)": "- (1 - fake_logits.sigmoid()).log()",
                "return softplus(-fake_logits)": "return -fake_logits.sigmoid().log()",
            },
            "Sigmoid first, its log afterwards: a sure discriminator's sigmoid is rounded to 0 or "
            "1, and log(0) is infinite. Use softplus.",
        ),
        Wrong(
            {
                "softplus(-real_logits)": "(1 + (-real_logits).exp()).log()",
                "+ softplus(fake_logits)": "+ (1 + fake_logits.exp()).log()",
                "return softplus(-fake_logits)": "return (1 + (-fake_logits).exp()).log()",
            },
            "log(1 + exp(z)) as it stands: exp(1000) is infinite. softplus avoids it.",
        ),
        Wrong(
            {
                "softplus(-real_logits)": "softplus(-real_logits.sigmoid())",
                "+ softplus(fake_logits)": "+ softplus(fake_logits.sigmoid())",
                "return softplus(-fake_logits)": "return softplus(-fake_logits.sigmoid())",
            },
            "Sigmoid is applied twice: softplus takes logits, not probabilities. Nobody could ever "
            "be sure.",
        ),
        Wrong(
            {"+ softplus(fake_logits)": "+ softplus(fake_logits.detach())"},
            "The fakes' logits were cut from the graph: the discriminator itself would not learn "
            "from fakes. What is detached, in training, is the fake before it is judged.",
        ),
    ],
)
