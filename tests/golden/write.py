"""Write the golden curves afresh: python tests/golden/write.py

They are what a short run of a lab gives today. `test_golden.py` compares with them, so numbers move
only on purpose: where a change is meant to move them, run this, look at the difference in git, and
say in the commit why they moved.

The curves are of float64. In float32 rounding alone, which differs from one processor to the next,
is amplified by every step at a large rate and would show in the fourth digit.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from pilotlight.core.event import Measured
from pilotlight.engine.plan import make, make_members
from pilotlight.engine.run import run
from pilotlight.labs.catalogue import load

HERE = Path(__file__).parent
LABS: dict[str, dict[str, Any]] = {"momentum": {"epochs": 2}}
"""The labs, each with the settings that make its run short."""
SEEDS = (1000, 1001)
METRICS = ("test_loss", "test_accuracy")
DIGITS = 4
"""Significant digits that are written."""


def curves(name: str) -> dict[str, Any]:
    """metric -> comparison -> one curve for each seed, and the hashes of the rows behind them."""
    lab = load(name)
    members = make_members(lab, SEEDS, LABS[name])
    plan, material = make(lab, members, "cpu", "float64")
    found: dict[str, Any] = {m: {c: [[] for _ in SEEDS] for c in lab.compare} for m in METRICS}
    for event in run(lab, plan, material):
        if isinstance(event, Measured) and not event.final:
            for i, index in enumerate(event.members):
                member = members[index]
                for metric in METRICS:
                    curve = found[metric][member.comparison][SEEDS.index(member.seed)]
                    curve.append(event.values[metric][i])
    splits = [split["hash"] for split in material.about["splits"]]
    return {"data": sorted(material.tables), "splits": splits, **found}


def rounded(value: Any) -> Any:
    """Numbers with the digits that are kept."""
    if isinstance(value, dict):
        return {name: rounded(v) for name, v in value.items()}
    if isinstance(value, list):
        return [rounded(v) for v in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def text(found: dict[str, Any]) -> str:
    """As JSON with one curve on a line, so that a difference in git can be read."""
    spread = json.dumps(rounded(found), indent=1)
    return re.sub(r"\[[^\[\]]*\]", lambda curve: " ".join(curve[0].split()), spread) + "\n"


if __name__ == "__main__":
    for lab_name in LABS:
        path = HERE / f"{lab_name}.json"
        path.write_text(text(curves(lab_name)))
        print(path)
