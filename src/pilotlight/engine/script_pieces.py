"""Pieces of plain scripts that are the same in every lab, as text."""

from __future__ import annotations

KEPT = '''def kept(state):
    """A copy of what is remembered, without its graph and apart from the weights."""
    return {
        k: kept(v) if isinstance(v, dict) else v.detach().clone() for k, v in state.items()
    }'''

DRAW = '''def draw(declared, generator, dtype):
    """The noise of one step, name after name."""
    make = {"normal": torch.randn, "uniform": torch.rand}
    return SimpleNamespace(
        **{
            name: make[noise.kind](noise.shape, generator=generator, dtype=dtype)
            for name, noise in declared.items()
        }
    )'''

EVALUATE_ALL = '''@torch.no_grad()
def measure(model, noise, settings, state):
    """All metrics, with nothing random going on in the network."""
    model.eval()
    found = {name}(model, SimpleNamespace(noise=noise), settings, state)
    return {{name: value.mean().item() for name, value in found.items()}}'''

EVALUATE_ROWS = '''@torch.no_grad()
def measure(model, inputs, targets, rows, parts, noise, settings, state):
    """All metrics, as means over the rows of each part."""
    model.eval()
{before}    measured = {{}}
    for part in parts:
        batch = SimpleNamespace(
            inputs=inputs[rows[part]], targets=targets[rows[part]], {given}
        )
        for name, value in {name}(model, batch, settings, state).items():
            measured[f"{{part}}_{{name}}"] = value.mean().item()
    return measured'''

REFERENCE = """    known = SimpleNamespace(
        inputs=inputs[rows["{part}"]], targets=targets[rows["{part}"]], noise=noise
    )
    beside = SimpleNamespace(**{name}(model, known, settings, state))
"""

PATIENCE = """if settings.patience:
    waited += 1
    if history[-1]["validation_loss"] < best:
        best, waited = history[-1]["validation_loss"], 0
        weights = {name: value.clone() for name, value in model.state_dict().items()}
    if waited >= settings.patience:
        break"""
