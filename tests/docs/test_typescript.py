"""Python's types as TypeScript."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pytest
import typescript

from pilotlight.core.drawing import Drawing
from pilotlight.core.event import Event, Measured


@pytest.mark.parametrize(
    ("hint", "said"),
    [
        (str, "string"),
        (int | None, "number | null"),
        (float | int | str, "number | string"),
        (Literal["a", "b"], '"a" | "b"'),
        (Mapping[str, float | None], "Readonly<Record<string, number | null>>"),
        (tuple[float, float], "readonly [number, number]"),
        (tuple[str, ...], "readonly string[]"),
        (Sequence[float | None], "readonly (number | null)[]"),
        (Mapping[str, Any], "Readonly<Record<string, unknown>>"),
        (Measured, "Measured"),
    ],
)
def test_a_type(hint, said):
    assert typescript.type_of(hint) == said


def test_what_has_no_form_is_refused():
    with pytest.raises(TypeError, match="has no TypeScript form"):
        typescript.type_of(complex)


def test_every_recorded_event_is_there_with_its_kind_and_without_what_is_not_recorded():
    page = typescript.types_page()
    for kind in Event.__subclasses__():
        assert (f'readonly kind: "{kind.__name__.lower()}";' in page) == kind.recorded
    done = page.partition("export interface CohortDone {")[2].partition("}")[0]
    assert "seconds: number" in done
    assert "weights" not in done


def test_every_drawing_is_there_with_its_kind():
    page = typescript.types_page()
    for kind in Drawing.__subclasses__():
        assert f'readonly kind: "{kind.kind}";' in page
    assert "export type Drawing = Points | " in page
