"""A setting that a lab names as going wrong can be tried: its page prints the command for it."""

from __future__ import annotations

import pytest

from pilotlight.app.prepare import prepare
from pilotlight.core.command import RunCommand
from pilotlight.labs.catalogue import entries, load


@pytest.mark.parametrize("name", [entry.name for entry in entries()])
def test_the_settings_known_to_go_wrong_are_accepted(name):
    lab = load(name)
    for mistake in lab.wrong:
        setting, sign, value = mistake.partition("=")
        if sign and setting in lab.declared:
            members = prepare(RunCommand(name, quick=True, changes={setting: value})).plan.members
            assert lab.declared[setting].parse(value) in {m.settings[setting] for m in members}
