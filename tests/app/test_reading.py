"""Reading what there is: folders from elsewhere, damaged ones, labs that are gone."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from pilotlight.app.opening import KEYS, open_folder
from pilotlight.app.reading import (
    lab_of,
    lab_page,
    lab_script,
    list_runs,
    read_report,
    write_page,
)
from pilotlight.core.errors import RecordError, UsageError


@pytest.fixture
def copy(finished, tmp_path) -> Path:
    """The finished run, in another place."""
    return Path(shutil.copytree(finished.folder, tmp_path / "elsewhere" / "copy"))


def edit(folder: Path, **changes) -> None:
    """Change or (None) remove keys of config.json."""
    path = folder / "config.json"
    values = json.loads(path.read_text("utf-8")) | changes
    kept = {key: value for key, value in values.items() if value is not None}
    path.write_text(json.dumps(kept), "utf-8")


def test_a_copy_says_the_same(finished, copy):
    assert read_report(copy) == replace(finished.report(), run=str(copy))


def test_a_copy_without_its_lab_says_the_same(finished, copy):
    edit(copy, file=str(copy / "gone.py"))
    assert lab_of(copy) is None
    assert read_report(copy) == replace(finished.report(), run=str(copy))
    page = (finished.folder / "report.html").read_text("utf-8")
    here = page.replace(str(finished.folder), str(copy))
    assert write_page(copy).read_text("utf-8") == here


def test_the_lab_of_a_run_of_ours_is_found_by_name(copy, path, lab):
    assert lab_of(copy).source == lab.source
    edit(copy, file="", lab="momentum")
    assert lab_of(copy).name == "momentum"


def test_a_lab_that_no_longer_works_is_as_good_as_gone(copy, tmp_path):
    broken = tmp_path / "broken.py"
    broken.write_text("lab = Lab(", "utf-8")
    edit(copy, file=str(broken))
    assert lab_of(copy) is None


@pytest.mark.parametrize("key", KEYS)
def test_a_config_that_something_else_wrote_is_refused_in_words(key, copy):
    edit(copy, **{key: None})
    for read in (open_folder, read_report, write_page, lab_of):
        with pytest.raises(RecordError, match=f"is not a run that Pilotlight wrote.* lacks {key}"):
            read(copy)


def test_all_that_a_foreign_config_lacks_is_named(tmp_path):
    (tmp_path / "config.json").write_text('{"format": 1, "lab": "x"}')
    with pytest.raises(RecordError, match=r"lacks file, question, .* and versions"):
        read_report(tmp_path)


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(RecordError, match="is not a run folder"):
        read_report(tmp_path)


def test_runs_are_listed_where_they_lie(finished, copy):
    (found,) = list_runs(copy.parent)
    assert (found.path, found.lab, found.state, found.members) == (copy, "ring", "finished", 15)
    assert found.verdicts == finished.report().verdicts


def test_labs_and_scripts_are_read_by_name_or_path(path):
    assert lab_page("momentum").question.endswith("?")
    assert lab_script(path, "narrow") != lab_script(path)
    with pytest.raises(UsageError, match=r"unknown comparison 'narow'\. Did you mean 'narrow'"):
        lab_script(path, "narow")
