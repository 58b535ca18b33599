"""Drawings say their kind; what a lab keeps bare is told by its form."""

from __future__ import annotations

import json

import pytest

from pilotlight.core.drawing import (
    KINDS,
    Confusion,
    Curve,
    Drawing,
    Grid,
    Path,
    Points,
    Scene,
    Surface,
    drawing_of,
    said,
)

SCENE = Scene("nowhere", ("height",), ("up", "down"))
EACH = (
    Points(((0.0, 1.0),)),
    Grid((((0.0, 1.0),),)),
    Curve((0.0, 1.0), (2.0, 3.0)),
    Confusion(((1, 0), (2, 3)), ((0, 0, (7,)),)),
    Surface((0.0, 1.0), (0.0, 1.0), 1, 2, "AA=="),
    Path(SCENE, ((0.5,),), (-1,), (0,)),
)


def test_these_are_all_kinds():
    assert [type(each) for each in EACH] == Drawing.__subclasses__() == list(KINDS.values())


@pytest.mark.parametrize("drawing", EACH, ids=lambda drawing: drawing.kind)
def test_a_drawing_that_was_written_is_known_again_by_its_kind(drawing):
    written = drawing.to_json()
    assert written["kind"] == drawing.kind
    assert drawing_of(written) == written
    partial = dict(list(written.items())[:-1])
    assert drawing_of(partial) is None


def test_what_a_lab_says_is_not_guessed():
    two = [[0.0, 1.0]] * 6
    assert drawing_of(two)["kind"] == "points"
    assert said("grid", [two]) == {"kind": "grid", "grids": [two]}
    assert said("points", two[:1]) == {"kind": "points", "points": two[:1]}
    way = said(SCENE, {"seen": [[0.5]], "actions": [-1], "steps": [0]})
    assert json.loads(json.dumps(way)) == {
        "kind": "path",
        "scene": {"world": "nowhere", "sees": ["height"], "does": ["up", "down"]},
        "seen": [[0.5]],
        "actions": [-1],
        "steps": [0],
    }
    assert drawing_of(way) == way


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ([[0.0, 1.0]] * 5, "points"),
        ([[0.0, 1.0]] * 4, "grid"),
        ([0.0, 1.0, 2.0], "grid"),
        ([[0.0, 1.0, 2.0]] * 5, "grid"),
        ([[[0.0, 1.0]] * 5] * 3, "grid"),
        ((((0, 1), (1, 0)),), "grid"),
        ([[0.0, 1.0], [0.0]], None),
        ([0.0, None], None),
        ([], None),
        (3.0, None),
        ("text", None),
        ({"kind": "hologram"}, None),
        ({"seen": [1.0]}, None),
    ],
)
def test_bare_values_are_told_by_their_form(value, kind):
    drawing = drawing_of(value)
    assert (drawing and drawing["kind"]) == kind


def test_tables_of_a_grid_are_as_they_were():
    rows = [[0.0, 1.0, 2.0]] * 2
    assert drawing_of([1.0, 2.0])["grids"] == [[[1.0, 2.0]]]
    assert drawing_of(rows)["grids"] == [rows]
    assert drawing_of([rows, rows])["grids"] == [rows, rows]
