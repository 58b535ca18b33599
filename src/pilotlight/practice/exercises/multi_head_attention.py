"""Multi-head attention.

One attention gives each query one mixture of the values. Several heads side by side can look at
several things at once, for the same price: the width is shared out among them. From x, with `width`
features, come queries, keys and values of the same width. Each is cut into `heads` pieces of
width / heads neighbouring features, and head number h works on piece h of each, alone:

    Q, K, V  =  query(x), key(x), value(x)
    head_h   =  softmax( Q_h K_h^T / sqrt(width / heads) ) V_h
    result   =  out( head_1, head_2, ... side by side )

Write the module: four linear layers from `width` to `width`, with bias, named `query`, `key`,
`value` and `out`, and `forward`. Without heads in the dimensions before the last two, `@` would mix
what belongs to different heads: bring everything to (batch, heads, places, width / heads) first.
"""

import math

from torch import Tensor, nn


class MultiHeadAttention(nn.Module):
    """Attention of a sequence to itself; `heads` divides `width`."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        # --- solution ---
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)
        # --- end ---

    def forward(self, x: Tensor) -> Tensor:
        """`x` (batch, places, width); the result has its shape."""
        # --- solution ---
        layers = (self.query, self.key, self.value)
        split = [layer(x).unflatten(2, (self.heads, -1)).transpose(1, 2) for layer in layers]
        query, key, value = split
        scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
        mixed = scores.softmax(dim=-1) @ value
        return self.out(mixed.transpose(1, 2).flatten(2))
        # --- end ---


# --- checks ---
from typing import Any

import torch
from torch.nn import functional

from pilotlight.practice.exercise import Check, Exercise, Wrong
from pilotlight.practice.inputs import normal, tensor

NAMES = ("query", "key", "value", "out")


def a_layer(answer: Any, width: int, heads: int) -> Any:
    """A layer with fixed weights, in float64."""
    layer = answer.MultiHeadAttention(width, heads).double()
    with torch.no_grad():
        for seed, (_, parameter) in enumerate(sorted(layer.named_parameters())):
            parameter.copy_(normal(*parameter.shape, seed=seed))
    return layer


def parameters(answer: Any) -> Any:
    """Four layers from width to width, however many heads: the heads share the width."""
    layer = answer.MultiHeadAttention(6, 3)
    return {"parameters": {n: list(p.shape) for n, p in sorted(layer.named_parameters())}}


def four_layers() -> Any:
    """Weight and bias of each."""
    weights = {f"{name}.weight": [6, 6] for name in NAMES}
    return {"parameters": weights | {f"{name}.bias": [6] for name in NAMES}}


def two_by_hand(answer: Any) -> Any:
    """Head 1 looks at the place that is like it in feature 1, head 2 likewise in feature 2."""
    layer = answer.MultiHeadAttention(2, 2).double()
    one = torch.eye(2, dtype=torch.float64)
    values = {f"{name}.bias": tensor([0, 0]) for name in NAMES}
    weights = {"query.weight": 100 * one, "key.weight": one, "value.weight": one, "out.weight": one}
    layer.load_state_dict(values | weights)
    x = tensor([[[1, 1], [2, -1], [-1, 2]]])
    return {"result": layer(x).detach()}


def looked_up() -> Any:
    """A positive feature finds the largest of its kind, a negative one the smallest."""
    return {"result": tensor([[[2, 2], [2, -1], [-1, 2]]])}


def one_head(answer: Any) -> Any:
    """With one head it is attention, between linear layers."""
    return {"result": a_layer(answer, 4, 1)(normal(2, 3, 4, seed=20)).detach()}


def heads(answer: Any) -> Any:
    """Two and three heads give what torch's own module gives."""
    x = normal(2, 5, 6, seed=20) / 2
    return {f"{n} heads": a_layer(answer, 6, n)(x).detach() for n in (2, 3)}


def square(answer: Any) -> Any:
    """As many places as heads, and heads as wide: nothing may be mistaken for another."""
    return {"result": a_layer(answer, 9, 3)(normal(3, 3, 9, seed=20) / 3).detach()}


def order(answer: Any) -> Any:
    """Attention knows no order: places in another order give the same results in that order."""
    x = normal(1, 4, 6, seed=20)
    return {"result": a_layer(answer, 6, 2)(x[:, [3, 0, 2, 1]]).detach()}


def gradients(answer: Any) -> Any:
    """The gradient goes back to the input and to all four layers."""
    layer, x = a_layer(answer, 4, 2), normal(2, 3, 4, seed=20).requires_grad_()
    (layer(x) * normal(2, 3, 4, seed=21)).sum().backward()
    return {"input": x.grad} | {n: p.grad for n, p in sorted(layer.named_parameters())}


class TorchAttention(nn.Module):
    """The same weights in torch's own module."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.value, self.out = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        layers = (self.query, self.key, self.value)
        weights = {
            "in_proj_weight": torch.cat([layer.weight for layer in layers]),
            "in_proj_bias": torch.cat([layer.bias for layer in layers]),
            "out_proj.weight": self.out.weight,
            "out_proj.bias": self.out.bias,
        }
        whole = nn.MultiheadAttention(x.shape[2], self.heads, batch_first=True, device="meta")
        out: Tensor = torch.func.functional_call(whole, weights, (x, x, x))[0]
        return out


class HeadByHead(TorchAttention):
    """Right as well: one head after the other."""

    def forward(self, x: Tensor) -> Tensor:
        size = x.shape[2] // self.heads
        pieces = zip(
            *(m(x).split(size, 2) for m in (self.query, self.key, self.value)), strict=True
        )
        mixed = [functional.scaled_dot_product_attention(q, k, v) for q, k, v in pieces]
        out: Tensor = self.out(torch.cat(list(mixed), dim=2))
        return out


def at_random(answer: Any, generator: torch.Generator) -> Any:
    """Any sizes."""
    batch, places, heads, size = torch.randint(1, 5, (4,), generator=generator).tolist()
    x = torch.randn(batch, places, heads * size, generator=generator).double()
    return {"result": a_layer(answer, heads * size, heads)(x).detach()}


CUT = "unflatten(2, (self.heads, -1)).transpose(1, 2)"
ONE, MANY = "nn.Linear(width, width)", "nn.Linear(width, width * heads)"

exercise = Exercise(
    area="attention",
    needs=["attention"],
    minutes=30,
    hints=[
        "layer(x) is (batch, places, width). .unflatten(2, (self.heads, -1)) cuts the width into "
        "(heads, width / heads).",
        "transpose(1, 2) brings the heads before the places. Then the lines of one attention, "
        "written for the last two dimensions, do all heads at once.",
        "Back again in the other order: transpose(1, 2), then .flatten(2) lays the heads side by "
        "side. Last comes self.out.",
        "Each head is width / heads wide, so that is the number under the root: query.shape[-1] "
        "after the cut.",
    ],
    tasks={
        "The layers": [Check(parameters, four_layers)],
        "Heads": [one_head, Check(two_by_hand, looked_up), heads, square, order],
        "Backward": [gradients],
    },
    oracle={"MultiHeadAttention": TorchAttention},
    alternative={"MultiHeadAttention": HeadByHead},
    sample=at_random,
    wrong=[
        Wrong(
            {CUT: "reshape(len(x), self.heads, x.shape[1], -1)"},
            "The width was not cut: reshape straight to (batch, heads, places, ...) keeps the "
            "numbers in their order, so a head gets some places whole. Cut the width, then "
            "transpose.",
        ),
        Wrong(
            {"mixed.transpose(1, 2).flatten(2)": "mixed.reshape(x.shape)"},
            "The heads were put together without transposing back: places and heads are mixed up. "
            "First transpose(1, 2), then flatten.",
        ),
        Wrong(
            {
                CUT: "unflatten(2, (self.heads, -1))",
                "mixed.transpose(1, 2).flatten(2)": "mixed.flatten(2)",
            },
            "The heads stand after the places, so that `@` lets the heads of one place attend to "
            "one another, and no place ever sees another. Bring the heads to the front.",
        ),
        Wrong(
            {
                CUT: "unflatten(2, (-1, self.heads)).permute(0, 3, 1, 2)",
                "mixed.transpose(1, 2).flatten(2)": "mixed.permute(0, 2, 3, 1).flatten(2)",
            },
            "A head gets every heads-th feature: it gets neighbours, so the cut is (heads, width / "
            "heads). Weights from elsewhere would not fit.",
        ),
        Wrong(
            {"math.sqrt(query.shape[-1])": "math.sqrt(x.shape[-1])"},
            "The scores are divided by the root of the full width: a head is only width / heads "
            "wide, so the weights come out too even.",
        ),
        Wrong(
            {" / math.sqrt(query.shape[-1])": ""},
            "The scores are not scaled: divide them by the root of a head's width.",
        ),
        Wrong(
            {"softmax(dim=-1)": "softmax(dim=1)"},
            "Softmax runs over the heads: they would compete for each place. It runs over the "
            "keys, dim=-1.",
        ),
        Wrong(
            {"self.out(mixed.transpose(1, 2).flatten(2))": "mixed.transpose(1, 2).flatten(2)"},
            "The last layer, out, is not used: what the heads found is never put together.",
        ),
        Wrong(
            {"layer(x).unflatten": "layers[0](x).unflatten"},
            "Queries, keys and values all come from the layer query: each has a layer of its own.",
        ),
        Wrong(
            {"query, key, value = split": "query, value, key = split"},
            "Keys and values are swapped: the values are asked, and the keys are mixed.",
        ),
        Wrong(
            {"unflatten(2, (self.heads, -1))": "unflatten(2, (1, -1))"},
            "The width is not cut: it is one head over the full width, whatever `heads` says.",
        ),
        Wrong(
            {f"self.{name} = {ONE}": f"self.{name} = {MANY}" for name in NAMES[:3]}
            | {"self.out = nn.Linear(width, width)": "self.out = nn.Linear(width * heads, width)"},
            "Each head got the full width: the price grows with the number of heads. They share "
            "the width, so each layer leads from width to width.",
        ),
    ],
)
