"""The last frames in a report hold the numbers that were kept."""

from __future__ import annotations

import base64
import re
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from pilotlight.core.drawing import Confusion, Surface
from pilotlight.core.report import MemberRow
from pilotlight.present.figures import illustrations
from pilotlight.present.page import page
from pilotlight.present.palette import LINES
from pilotlight.present.stills import MOST_LARGE, shades, stills

CELLS = bytes([0, 127, 128, 255] * 4)
SURFACE = Surface((-1.0, 1.0), (0.0, 2.0), 4, 2, base64.b64encode(CELLS).decode()).to_json()


def table(*counts):
    return Confusion(counts, ()).to_json()


def filmed(statistical, **names):
    """The report with two frames of what is kept under each name, of its first two networks."""
    early = {name: table((1, 0), (0, 1)) if name == "confusion" else v for name, v in names.items()}
    frames = ({"step": 0, "epoch": 0.0, **early}, {"step": 9, "epoch": 1.0, **names})
    first, second, *others = statistical.members
    members = (replace(first, snapshots=frames), replace(second, snapshots=frames), *others)
    return replace(statistical, members=members)


def texts(svg):
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def test_the_last_table_of_each_comparison_is_drawn_with_its_numbers(statistical):
    found = stills(filmed(statistical, confusion=table((31, 2), (0, 47))))
    ((title, caption, svg),) = found
    assert title == "Which class is taken for which"
    assert "seed" in caption
    told = texts(svg)
    assert {"31", "2", "47"} <= set(told)
    assert statistical.members[0].comparison in told


def test_a_surface_has_the_colour_of_the_winner_the_stronger_the_surer():
    found = shades(SURFACE)
    assert found.shape == (4, 4, 4)
    for column, (label, strength) in enumerate(((0, 0.1), (0, 0.72), (1, 0.1), (1, 0.72))):
        np.testing.assert_allclose(found[:, column, :3], [to_rgb(LINES[label])] * 4)
        np.testing.assert_allclose(found[:, column, 3], strength)


def test_they_stand_in_the_report_and_repeat(statistical):
    report = filmed(statistical, surface=SURFACE, confusion=table((31, 2), (0, 47)))
    made = stills(report)
    assert [title for title, *_ in made] == [
        "Where each class wins",
        "Which class is taken for which",
    ]
    assert stills(report) == made
    html = page(report, illustrations(report), None, made)
    for title, caption, _ in made:
        assert f"<h3>{title}</h3>" in html
        assert caption in html
    assert "What networks say" not in page(report, illustrations(report))


def test_of_large_tables_few_are_drawn(statistical):
    large = table(*np.eye(10, dtype=int).tolist())
    frames = ({"step": 0, "epoch": 0.0, "confusion": large},)
    members = tuple(MemberRow(i, f"c{i}", 1000, {}, snapshots=frames) for i in range(9))
    ((_, _, svg),) = stills(replace(statistical, members=members, claims=()))
    assert [t for t in texts(svg) if t.startswith("c") and t != "class"] == [
        f"c{i}" for i in range(MOST_LARGE)
    ]


@pytest.mark.parametrize("kept", [{}, {"samples": [[0.0, 1.0]] * 9}, {"confusion": [[1, 2]]}])
def test_nothing_is_drawn_of_anything_else(statistical, kept):
    assert stills(statistical) == []
    frames = ({"step": 0, "epoch": 0.0, **kept},)
    first, *others = statistical.members
    bare = replace(statistical, members=(replace(first, snapshots=frames), *others))
    assert stills(bare) == []
