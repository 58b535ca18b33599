"""The labs of the package and a person's own, as a map shows them."""

from __future__ import annotations

import shutil

import pytest

from pilotlight.app.listing import Labs
from pilotlight.core.errors import UsageError
from pilotlight.labs import catalogue


def test_every_lab_knows_what_it_leads_to():
    found = {lab["name"]: lab for lab in Labs().all()}
    assert set(found) == {entry.name for entry in catalogue.entries()}
    for lab in found.values():
        assert all(lab["name"] in found[other]["needs"] for other in lab["leads_to"])
        assert all(lab["name"] in found[n]["leads_to"] for n in lab["needs"] if n in found)


def test_a_lab_of_ones_own_is_read_again_when_it_changes(path, tmp_path):
    own = tmp_path / "my_ring.py"
    shutil.copy(path, own)
    labs = Labs([str(own)])
    assert labs.one("my-ring")["own"]
    assert labs.path("my-ring") == str(own)
    assert labs.place("my-ring") == (str(own), own)
    own.write_text(own.read_text().replace('area="toys"', 'area="mine"'))
    assert labs.one("my-ring")["area"] == "mine"


def test_a_file_cannot_be_named_where_a_lab_is_asked_for(path):
    labs = Labs()
    assert labs.path("momentum") == "momentum"
    for name in (path, "x.py", "../momentum"):
        with pytest.raises(UsageError, match="named when the app is started"):
            labs.path(name)
    with pytest.raises(UsageError, match="Did you mean 'momentum'"):
        labs.one("momentun")


def test_all_that_is_wrong_with_files_is_said_at_once(tmp_path, path):
    (tmp_path / "empty.py").touch()
    shutil.copy(path, tmp_path / "momentum.py")
    with pytest.raises(UsageError, match="there is no such file") as raised:
        Labs([str(tmp_path / name) for name in ("empty.py", "none.py", "momentum.py")])
    said = raised.value.problems
    assert len(said) == 3
    assert "no `lab = Lab(...)`" in said[0]
    assert "no such file" in said[1]
    assert "there is a lab momentum already" in said[2]
