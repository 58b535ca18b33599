"""`check_lab` passes what is right and names what is wrong, one known-wrong lab for each rule."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from pilotlight.core.event import Progress
from pilotlight.labs.catalogue import entries, load
from pilotlight.testing import check_lab, problems, rules

TOYS = sorted(Path(__file__).parent.parent.joinpath("toys").glob("*.py"))


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("path", TOYS, ids=lambda p: p.stem)
def test_a_toy_lab_is_fine(path):
    check_lab(path)


# The check trains about ten times, so a lab that takes long to run takes long to check.
QUICK = ("backprop", "momentum")
BUILT_IN = [
    pytest.param(e.name, marks=[] if e.name in QUICK else pytest.mark.slow) for e in entries()
]


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_built_in_lab_is_fine(name):
    check_lab(name)


# --- known-wrong labs ---

SMALL = '''"""Does a small lab pass?"""

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from pilotlight.core.lab import Claim, Lab, Metric, exhibit
from pilotlight.core.settings import linear, log, unit, whole
from pilotlight.data.generators import generator
from pilotlight.data.table import Data
from pilotlight.engine.steps import Phase, Training, supervised
from pilotlight.nets.dense import mlp


def clouds():
    targets = torch.arange(60) % 3
    noise = torch.randn(60, 4, generator=generator(0, "clouds"))
    return noise + 0.5 * torch.eye(4)[targets], targets


@exhibit(tolerance=1e-9)
def sums():
    """One and one is two."""
    return abs(1 + 1 - 2)


def build(s):
    return mlp(4, [5], 3)


def fit(model, batch, settings, state):
    return cross_entropy(model(batch.inputs), batch.targets), {}, state


def watch(model, batch, settings, state):
    right = model(batch.inputs).argmax(1) == batch.targets
    return {"accuracy": right.to(batch.inputs.dtype)}


lab = Lab(
    area="toys",
    seconds=30,
    text="Three clouds of points in four dimensions, and which of them a point is from. " * 3,
    data=Data("clouds", clouds, classes=3),
    model=build,
    train=Training([Phase(fit)], watch),
    settings=dict(rate=log(1e-4, 10, 0.1), batch=whole(1, 60, 8), epochs=whole(1, 100, 3)),
    compare=dict(fast={}, slow=dict(rate=0.01)),
    claims=dict(faster=Claim("Fast is better.", "fast", "slow", at_least=0.05)),
    exhibits=[sums],
    effects=dict(rate=0.5, batch=6, epochs=3),
    scope="a toy",
    wrong={"rate=10": "it jumps about"},
    seeds=2,
)
'''
TRAINING = "train=Training([Phase(fit)], watch),"
LOSS = "    return cross_entropy(model(batch.inputs), batch.targets), {}, state\n"


@pytest.fixture
def told(tmp_path):
    """`told(old=..., new=...)`: the problems of the small lab after a change of its text."""

    def ask(*changes):
        text = SMALL
        for old, new in changes:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        path = tmp_path / "small.py"
        path.write_text(text)
        return problems(path)

    return ask


def only(found, words):
    """Whether there is exactly one problem, with these words in it."""
    assert len(found) == 1, found
    assert words in found[0]


def test_the_small_lab_is_fine_before_it_is_broken(told):
    assert told() == []


def test_a_missing_file_and_a_broken_one_are_problems_in_words(tmp_path):
    only(problems(tmp_path / "none.py"), "there is no such file")
    broken = tmp_path / "broken.py"
    broken.write_text(SMALL.replace("lab = Lab(", "lab = None and Lab("))
    only(problems(broken), "no `lab = Lab(...)` at the top level")


def test_check_lab_raises_with_all_problems():
    momentum = load("backprop")
    object.__setattr__(momentum, "text", "short")
    object.__setattr__(momentum, "wrong", {})
    with pytest.raises(AssertionError, match=r"text: 1 words.*\nwrong: empty"):
        check_lab(momentum)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("Does a small lab pass?", "A small lab.", "does not end in a question mark"),
        (
            '"Three clouds of points in four dimensions, and which of them a point is from. " * 3',
            '"Three clouds."',
            "text: 2 words",
        ),
        ('scope="a toy",', "", "scope: missing"),
        ('wrong={"rate=10": "it jumps about"},', "", "wrong: empty"),
        (
            '"fast", "slow", at_least=0.05',
            '"fast", "slow", at_least=0.05, within=0.1',
            "claim faster: 2 bounds; give one of at_least, at_most, within",
        ),
        ('"fast", "slow", at_least=0.05', '"fast", "slow"', "claim faster: 0 bounds"),
        ("at_least=0.05", "within=0.0", "claim faster: within=0; it must be above 0"),
        ('"fast", "slow", at', '"fast", "still", at', "comparison 'still' is not in compare"),
        ("at_least=0.05", 'at_least=0.05, metric="test_acuracy"', "Did you mean 'test_accuracy'?"),
        ("return abs(1 + 1 - 2)", "return abs(1 + 1 - 3)", "exhibit sums: error 1, tolerance"),
        ("return abs(1 + 1 - 2)", 'return float("nan")', "exhibit sums: error nan"),
    ],
)
def test_what_is_wrong_with_the_declaration(told, old, new, words):
    only(told((old, new)), words)


def test_a_lab_that_claims_and_shows_nothing_answers_nothing(told):
    claims = 'claims=dict(faster=Claim("Fast is better.", "fast", "slow", at_least=0.05)),'
    found = told((claims, ""), ("exhibits=[sums],", ""))
    assert any("neither claims nor exhibits" in p for p in found)


def test_an_expected_verdict_that_is_none(told):
    only(told(("at_least=0.05", 'at_least=0.05, expected="true"')), "expected is one of")


def test_a_loss_that_is_no_number(told):
    found = told((LOSS, LOSS.replace("cross_entropy(", "torch.nan * cross_entropy(")))
    assert "test_accuracy: not finite within the first steps." in found


def test_a_first_loss_far_from_theory(told):
    build = "def build(s):\n    return mlp(4, [5], 3)\n"
    wide = (
        "def build(s):\n    model = mlp(4, [5], 3)\n"
        "    with torch.no_grad():\n        model[-1].weight *= 100\n    return model\n"
    )
    found = told((build, wide), (TRAINING, "train=supervised(cross_entropy),"))
    only(found, "away from ln 3 = 1.10")


@pytest.mark.parametrize("part", ["train", "validation"])
def test_rows_that_test_and_are_learned_from(told, part):
    rule = (
        "def parts(targets, settings, generator):\n"
        "    rows = torch.arange(60)\n"
        '    own = {"train": rows[:30], "validation": rows[30:40], "test": rows[40:]}\n'
        f'    return own | {{"{part}": rows[21:41]}}\n\n\ndef fit('
    )
    found = told(("def fit(", rule), ("    model=build,", "    split=parts,\n    model=build,"))
    own = [p for p in found if p.startswith("split: in slow")]
    only(own, f"rows of '{part}' are in 'test' too")


def test_classes_that_are_not_declared(told):
    found = told((", classes=3", ""), (TRAINING, "train=supervised(cross_entropy),"))
    only(found, "data: 'clouds' does not say how many classes there are")


def test_a_counter_that_outlives_a_run(told):
    counted = "    COUNT.append(1)\n" + LOSS.replace(
        "), {}, state", ") * (1 + len(COUNT)), {}, state"
    )
    found = told((LOSS, counted), ("def fit(", "COUNT = []\n\n\ndef fit("))
    assert "The same seeds gave other numbers." in found


def test_a_constant_that_is_changed_after_it_was_made(told):
    """The script has it as it was first written; the lab, as it was changed."""
    made = "OPTIONS = {'scale': 1.0}\nOPTIONS['scale'] = 2.0\n\n\ndef fit("
    scaled = LOSS.replace("), {}, state", ") * OPTIONS['scale'], {}, state")
    found = told((LOSS, scaled), ("def fit(", made))
    assert len(found) == 2
    assert all("away from its plain script" in p for p in found)


def test_a_tensor_of_a_network_that_is_no_buffer(told):
    """Drawn for each seed, but the first network lends it to all that train with it."""
    masked = (
        "class Masked(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n"
        "        self.layer, self.mask = nn.Linear(4, 3), torch.rand(4)\n\n"
        "    def forward(self, x):\n        return self.layer(x * self.mask.to(x.dtype))\n\n\n"
        "def build(s):\n    return Masked()\n"
    )
    found = told(("def build(s):\n    return mlp(4, [5], 3)\n", masked))
    assert len(found) == 2
    assert all("away from its plain script" in p for p in found)


def test_a_script_that_fails_is_told(told):
    """What a loop at the top of the file makes does not come along."""
    made = "for TABLE in [2.0]:\n    pass\n\n\ndef fit("
    found = told((LOSS, LOSS.replace("), {}, state", ") * TABLE, {}, state")), ("def fit(", made))
    assert found == [
        f"{c}: its plain script fails: NameError: name 'TABLE' is not defined"
        for c in ("fast", "slow")
    ]


def test_a_phase_called_loss_is_told_to_be_renamed(told):
    found = told(("def fit(", "def loss("), (TRAINING, "train=Training([Phase(loss)], watch),"))
    only(found, "needs the name 'loss' itself")


def test_memory_that_is_kept_outside_of_state(told):
    """A count on the network itself: the same in every run, and lost by a resumed one."""
    counted = (
        "    model.calls = getattr(model, 'calls', 0) + 1\n    warm = min(1.0, model.calls / 10)\n"
    ) + LOSS.replace("), {}, state", ") * warm, {}, state")
    found = told((LOSS, counted))
    assert found
    assert all("Resumed at step" in p and "other numbers" in p for p in found)


def test_a_setting_that_nothing_reads(told):
    found = told(
        ("rate=log(1e-4, 10, 0.1),", "rate=log(1e-4, 10, 0.1), decay=unit(0.0),"),
        ("effects=dict(rate=0.5,", "effects=dict(rate=0.5, decay=0.5,"),
    )
    only(found, "decay=0.5 changes nothing: is the setting read at all?")


def test_a_setting_that_only_measuring_reads(told):
    found = told(
        ("rate=log(1e-4, 10, 0.1),", "rate=log(1e-4, 10, 0.1), blur=unit(0.0),"),
        ("effects=dict(rate=0.5,", "effects=dict(rate=0.5, blur=0.5,"),
        ("{\"accuracy\": right.to(batch.inputs.dtype)}",
         "{\"accuracy\": right.to(batch.inputs.dtype) - settings.blur}"),
    )  # fmt: skip
    assert found == []


def test_a_setting_without_an_effect(told):
    only(told(("rate=0.5, batch=6,", "batch=6,")), "effects: 'rate' is missing")


def test_an_effect_out_of_range(told):
    only(told(("effects=dict(rate=0.5,", "effects=dict(rate=50.0,")), "effects: rate=50.0: rate is")


def test_an_effect_that_needs_other_settings_holds_them_all(told):
    """Without a patience of 1, twelve epochs and a large rate, nobody stops."""
    changes = [
        ("from pilotlight.data.table", "from pilotlight.data.split import holdout_with_validation\n"
         "from pilotlight.data.table"),
        ("    model=build,", "    model=build,\n    split=holdout_with_validation,"),
        (TRAINING, "train=supervised(cross_entropy, ('train', 'validation', 'test')),"),
        ("rate=log(1e-4, 10, 0.1),", "rate=log(1e-4, 10, 0.1), patience=whole(0, 50, 0),"),
    ]  # fmt: skip
    far = "effects=dict(rate=0.5, patience=dict(patience=1, rate=3.0, epochs=12),"
    assert told(*changes, ("effects=dict(rate=0.5,", far)) == []
    near = "effects=dict(rate=0.5, patience=30,"
    only(told(*changes, ("effects=dict(rate=0.5,", near)), "patience=30 changes nothing")


def test_a_random_draw_in_a_phase(told):
    noisy = LOSS.replace("model(batch.inputs)", "model(batch.inputs + torch.randn(8, 4))")
    only(told((LOSS, noisy)), "fit: A phase draws no random numbers: declare `noise`")


def test_a_decision_on_a_tensors_value_in_a_phase(told):
    deciding = (
        "    loss = cross_entropy(model(batch.inputs), batch.targets)\n"
        "    if loss > 1:\n        loss = 2 * loss\n    return loss, {}, state\n"
    )
    only(told((LOSS, deciding)), "fit: No Python decision on a tensor's value")


def test_hidden_draws_of_a_layer(told):
    found = told(
        ("    return mlp(4, [5], 3)", "    return nn.Sequential(nn.Dropout(), *mlp(4, [5], 3))")
    )
    only(found, "0 is Dropout, which draws from a generator that all networks share")


def test_a_setting_that_the_engine_needs(told):
    found = told((" epochs=whole(1, 100, 3)", ""), (" epochs=3),", "),"))
    only(found, "settings: 'epochs' is missing; a lab with data needs it")


def test_seconds_that_are_not_enough(told):
    only(told(("seconds=30", "seconds=0.001")), "seconds=0.001: a full run takes about")


def test_a_comparison_that_sets_its_length_has_a_short_trial_too(tmp_path):
    path = tmp_path / "small.py"
    path.write_text(SMALL.replace("slow=dict(rate=0.01)", "slow=dict(rate=0.01, epochs=90)"))
    trial = rules.Trial.of(load(str(path)))
    assert {e.epoch for e in trial.events if getattr(e, "final", False)} == {2.0}


def test_a_lab_may_say_what_short_is(tmp_path):
    path = tmp_path / "small.py"
    path.write_text(SMALL.replace("slow=dict(rate=0.01)", "slow=dict(rate=0.01, batch=30)"))
    trial = rules.Trial.of(replace(load(str(path)), short=dict(epochs=1, batch=6)))
    assert trial.changes == {"epochs": 1, "batch": 6}
    assert {e.epoch for e in trial.events if getattr(e, "final", False)} == {1.0}


def test_too_short_a_course_to_be_resumed(told):
    found = told(("batch=whole(1, 60, 8)", "batch=whole(1, 60, 48)"))
    only(found, "Too short to be resumed: fewer than 3 steps.")


def test_seconds_are_drawn_out_from_each_comparison(monkeypatch):
    clock = [0.0]

    def train_cohort(lab, plan, index, material):
        for done in range(1001):
            yield Progress(done, 1000, index)
            clock[0] += 0.1 if plan.members[index].comparison == "dear" else 0.001

    monkeypatch.setattr(rules, "train_cohort", train_cohort)
    monkeypatch.setattr(rules, "begin", lambda lab, plan: [])
    monkeypatch.setattr(rules.time, "process_time", lambda: clock[0])
    members = [SimpleNamespace(comparison=name) for name in ("dear", "cheap", "cheap", "dear")]
    cohorts = [SimpleNamespace(index=i, members=(i,)) for i in range(4)]
    plan = SimpleNamespace(members=members, cohorts=cohorts)
    assert rules._cost(None, plan, None) == pytest.approx(2 * 100 + 2 * 1, rel=0.01)
    assert clock[0] < 5  # of the dear one, a few steps only
