"""A lab's declaration: claims know their kind, exhibits their names, settings their meaning."""

import pytest

from pilotlight.core.lab import UNDECIDED, Claim, Exhibit, Lab, exhibit
from pilotlight.core.settings import log


@pytest.mark.parametrize(
    ("claim", "kind", "comparisons"),
    [
        (Claim("more", "a", "b", at_least=0.1), "compare", ("a", "b")),
        (Claim("alone", "a", at_most=0.1), "compare", ("a",)),
        (Claim("equal", "a", "b", within=0.1), "no-effect", ("a", "b")),
        (Claim("often", "a", "b", at_least=0.1, success=bool), "rate", ("a", "b")),
        (Claim("rises", trend={"a": 1, "b": 2, "c": 4}, at_least=0), "trend", ("a", "b", "c")),
        (Claim("flat", trend={"a": 1, "b": 2}, within=0.1), "trend", ("a", "b")),
    ],
)
def test_a_claims_kind_and_the_comparisons_it_reads(claim, kind, comparisons):
    assert (claim.kind, claim.comparisons) == (kind, comparisons)


def test_a_claim_expects_nothing_unless_told():
    claim = Claim("more", "a", "b", at_least=0.1)
    assert (claim.expected, claim.metric, claim.diverged) == (UNDECIDED, "test_accuracy", "worst")


def test_an_exhibit_takes_name_and_statement_from_its_function():
    @exhibit(tolerance=1e-9)
    def sum_of_angles():
        """The angles of a triangle sum to pi.

        In flat space.
        """
        return 0.0

    assert isinstance(sum_of_angles, Exhibit)
    assert sum_of_angles.id == "sum_of_angles"
    assert sum_of_angles.statement == "The angles of a triangle sum to pi."
    assert (sum_of_angles.tolerance, sum_of_angles.function()) == (1e-9, 0.0)


def test_an_exhibit_without_a_docstring_goes_by_its_name():
    def bare():
        return 0.0

    assert Exhibit(bare, 1.0).statement == "bare"


def test_bare_literals_are_declared_as_settings():
    rate = log(1e-3, 1, 0.1)
    lab = Lab(area="x", seconds=1, text="", settings={"rate": rate, "epochs": 5, "clip": 1.0})
    assert lab.declared["rate"] is rate
    assert {n: s.scale for n, s in lab.declared.items()} == {
        "rate": "log",
        "epochs": "whole",
        "clip": "linear",
    }


def test_a_lab_without_a_network_trains_nothing():
    assert not Lab(area="x", seconds=1, text="").trains
    assert Lab(area="x", seconds=1, text="", model=lambda s: None).trains
