"""The plan: members in order, cohorts of what can train together, the same plan every time."""

import json

import pytest
import torch
from torch import nn

from pilotlight.core.errors import LabError, UsageError
from pilotlight.core.event import Note
from pilotlight.core.settings import choice, linear, switch, whole
from pilotlight.data.generators import named_seed
from pilotlight.data.table import Data
from pilotlight.engine.plan import Plan, build, make, make_members
from pilotlight.nets.dense import mlp
from pilotlight.nets.dropout import Dropout


def planned(lab, seeds=(0, 1), changes=None, compare=()):
    return make(lab, make_members(lab, seeds, changes or {}, compare), "cpu")[0]


def cohorts(lab, **given):
    return [c.members for c in planned(lab, **given).cohorts]


# --- members ---


def test_members_are_comparisons_times_seeds_in_the_labs_order(tiny):
    members = make_members(tiny(), (5, 3), {"rate": 0.2})
    assert [(m.index, m.comparison, m.seed) for m in members] == [
        (0, "plain", 5),
        (1, "plain", 3),
        (2, "heavy", 5),
        (3, "heavy", 3),
    ]
    assert [m.settings.momentum for m in members] == [0.5, 0.5, 0.9, 0.9]
    assert {m.settings.rate for m in members} == {0.2}


def test_some_comparisons_only_stand_in_the_labs_order(tiny):
    lab = tiny(compare={"a": {}, "b": {}, "c": {}})
    members = make_members(lab, (0,), {}, ("c", "a"))
    assert [m.comparison for m in members] == ["a", "c"]


def test_an_unknown_comparison_is_refused(tiny):
    with pytest.raises(UsageError, match=r"unknown comparison 'heavi'\. Did you mean 'heavy'"):
        make_members(tiny(), (0,), {}, ("heavi",))


def test_every_comparisons_problems_are_told_once(tiny):
    lab = tiny(compare={"a": {"rate": -1.0}, "b": {"momentum": 2.0}})
    with pytest.raises(UsageError, match="comparison 'a': rate=-1") as caught:
        make_members(lab, (0,), {})
    assert len(caught.value.problems) == 2
    with pytest.raises(UsageError, match="batch=0") as caught:
        make_members(lab, (0,), {"batch": 0})
    assert caught.value.problems == ("batch=0: batch is a whole number from 1 to 60.",)


# --- cohorts ---


def test_what_differs_in_numbers_and_switches_trains_together(tiny):
    lab = tiny(
        settings={"nesterov": switch(False)},
        compare={"a": {}, "b": {"rate": 0.3}, "c": {"nesterov": True}, "d": {"momentum": 0.0}},
    )
    plan = planned(lab)
    assert [c.members for c in plan.cohorts] == [(0, 1, 2, 3, 4, 5, 6, 7)]
    assert plan.cohorts[0].stacked
    assert plan.cohorts[0].why == "equal shapes, trained together"


def test_whole_numbers_split_cohorts(tiny):
    lab = tiny(compare={"a": {}, "wide": {"hidden": 9}, "b": {"rate": 0.3}, "long": {"epochs": 4}})
    assert cohorts(lab) == [(0, 1, 4, 5), (2, 3), (6, 7)]


def test_choices_split_cohorts(tiny):
    lab = tiny(settings={"order": choice("here", "there")}, compare={"a": {}, "b": {}})
    assert cohorts(lab) == [(0, 1, 2, 3)]
    other = tiny(
        settings={"order": choice("here", "there")}, compare={"a": {}, "b": {"order": "there"}}
    )
    assert cohorts(other) == [(0, 1), (2, 3)]


def test_networks_of_other_structure_split_cohorts(tiny):
    lab = tiny(
        settings={"deep": switch(False)},
        compare={"a": {}, "deep": {"deep": True}, "b": {"rate": 0.3}},
        model=lambda s: mlp(4, [5, 5] if s.deep else [5], 3),
    )
    assert cohorts(lab) == [(0, 1, 4, 5), (2, 3)]


class Scaled(nn.Module):
    """A network that holds one of its settings as a plain number."""

    def __init__(self, scale):
        super().__init__()
        self.layer = nn.Linear(4, 3)
        self.scale = scale

    def forward(self, x):
        return self.scale * self.layer(x)


def scaled_lab(tiny):
    return tiny(
        settings={"scale": linear(0.0, 100.0, 1.0)},
        compare={"small": {}, "large": {"scale": 30.0}},
        model=lambda s: Scaled(s.scale),
    )


def test_a_plain_attribute_is_not_taken_from_another_comparison(tiny, train):
    lab = scaled_lab(tiny)
    assert cohorts(lab) == [(0, 1), (2, 3)]
    together, alone = train(lab, (0, 1)), train(lab, (0, 1), compare=("large",))
    for seed in (0, 1):
        both = zip(together.network(2 + seed).values(), alone.network(seed).values(), strict=True)
        assert all(torch.equal(a, b) for a, b in both)
        assert together.curve("test_loss", 2 + seed)[0] != together.curve("test_loss", seed)[0]


def test_the_rate_of_dropout_splits_nothing(tiny):
    lab = tiny(
        settings={"dropout": linear(0.0, 1.0, 0.1)},
        compare={"little": {}, "much": {"dropout": 0.9}},
        model=lambda s: nn.Sequential(Dropout(s.dropout), nn.Linear(4, 3)),
    )
    assert cohorts(lab) == [(0, 1, 2, 3)]


def rows_by_seed(settings, generator):
    """32 or 40 rows, as it comes."""
    rows = 32 + 8 * int(torch.randint(2, (1,), generator=generator))
    return torch.randn(rows, 4, generator=generator), torch.arange(rows) % 3


def test_another_number_of_steps_splits_cohorts(tiny):
    lab = tiny(
        data=Data("by seed", rows_by_seed, classes=3, per_seed=True),
        split=lambda targets, s, g: {"train": torch.arange(len(targets)), "test": torch.arange(8)},
        compare={"plain": {}},
    )
    plan, material = make(lab, make_members(lab, range(8), {}), "cpu")
    steps = {m.index: dict(material.steps_by_part(m))["train"] for m in plan.members}
    assert set(steps.values()) == {4, 5}
    assert [{steps[i] for i in c.members} for c in plan.cohorts] in ([{4}, {5}], [{5}, {4}])


@pytest.mark.parametrize("layer", [nn.LSTM, nn.GRU])
def test_what_cannot_be_stacked_trains_one_by_one_and_says_so(tiny, train, layer):
    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.recurrent = layer(4, 3, batch_first=True)

        def forward(self, x):
            return self.recurrent(x[:, None])[0][:, -1]

    trained = train(tiny(model=lambda s: Last()), (0, 1), {"epochs": 1})
    why = f"nn.{layer.__name__} cannot be stacked"
    assert [(c.members, c.stacked, c.why) for c in trained.plan.cohorts] == [
        ((i,), False, why) for i in range(4)
    ]
    said = [n.text for n in trained.of(Note)]
    assert said == [f"{why}: 4 networks train one by one, with the same results."]


@pytest.mark.parametrize("cell", [nn.GRUCell, nn.RNNCell])
def test_cells_that_torch_does_not_stack_train_one_by_one(tiny, cell):
    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell = cell(4, 3)

        def forward(self, x):
            return self.cell(x)

    plan = planned(tiny(model=lambda s: Last()), compare=("plain",))
    assert [(c.members, c.why) for c in plan.cohorts] == [
        ((i,), f"nn.{cell.__name__}: quicker one by one") for i in (0, 1)
    ]


def pictures(tiny, side):
    """A lab whose rows are pictures of one channel, with kernels of 3 x 3 to eight channels."""
    noise = torch.randn(60, 1, side, side, generator=torch.Generator().manual_seed(0))
    return tiny(
        data=Data("noise", lambda: (noise, torch.arange(60) % 3), classes=3),
        model=lambda s: nn.Sequential(
            nn.Conv2d(1, 8, 3), nn.MaxPool2d(side - 2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3)
        ),
        settings={"batch": whole(1, 60, 20)},
        compare={"plain": {}},
    )


@pytest.mark.parametrize(
    ("side", "together"),
    # 20 rows x side^2 pixels x 72 kernel weights, against 20 million
    [(117, True), (119, False)],
)
def test_large_convolutions_train_one_by_one_on_a_cpu(tiny, side, together):
    lab = pictures(tiny, side)
    assert cohorts(lab) == ([(0, 1)] if together else [(0,), (1,)])
    on_gpu, _ = make(lab, make_members(lab, (0, 1), {}), "cuda")
    assert [c.members for c in on_gpu.cohorts] == [(0, 1)]


def test_a_single_network_runs_as_the_plain_module(tiny):
    (cohort,) = planned(tiny(), (0,), compare=("plain",)).cohorts
    assert (cohort.members, cohort.stacked, cohort.why) == (
        (0,),
        False,
        "the only one of its shape",
    )


# --- the same plan ---


def test_a_plan_comes_back_from_json_equal(tiny):
    plan = planned(scaled_lab(tiny), (1000, 1001))
    assert Plan.from_json(json.loads(json.dumps(plan.to_json()))) == plan


def test_the_same_command_gives_the_same_plan(tiny):
    assert planned(scaled_lab(tiny)) == planned(scaled_lab(tiny))


# --- first weights ---


def test_first_weights_are_torchs_own_from_the_seed_named_init(tiny):
    (member, *_) = make_members(tiny(), (7,), {})
    model = build(tiny(), member)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(named_seed(7, "init"))
        expected = mlp(4, [5], 3)
    for ours, theirs in zip(model.parameters(), expected.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_comparisons_with_the_same_seed_start_from_the_same_weights(tiny):
    plain, _, heavy, _ = (build(tiny(), m).state_dict() for m in make_members(tiny(), (0, 1), {}))
    assert all(torch.equal(plain[n], heavy[n]) for n in plain)


def test_planning_leaves_the_shared_generator_alone(tiny):
    before = torch.random.get_rng_state()
    planned(tiny())
    assert torch.equal(before, torch.random.get_rng_state())


# --- labs that cannot be planned ---


def test_layers_with_hidden_draws_are_refused(tiny):
    lab = tiny(model=lambda s: nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.5)))
    with pytest.raises(LabError, match=r"1 is Dropout, which draws from a generator"):
        planned(lab)


@pytest.mark.parametrize(
    ("fields", "missing"),
    [
        ({}, ["batch", "epochs"]),
        ({"data": None}, ["measure_every", "steps"]),
    ],
)
def test_a_setting_that_the_engine_needs_is_asked_for(tiny, fields, missing):
    lab = tiny(**fields)
    for name in ("batch", "epochs"):
        lab.settings.pop(name)
    with pytest.raises(LabError, match="is missing; a lab with") as caught:
        planned(lab)
    assert [p.split()[1] for p in caught.value.problems] == [f"{n!r}" for n in missing]


def test_early_stopping_without_a_validation_part_is_refused(tiny):
    with pytest.raises(LabError, match=r"patience: .* 'validation'"):
        planned(tiny(settings={"patience": 3}))


# --- how many train together ---


@pytest.mark.parametrize(
    ("count", "sizes"),
    [(2, [2]), (23, [23]), (24, [12, 12]), (33, [16, 17]), (64, [32, 32]), (66, [16, 17, 16, 17])],
)
def test_a_large_group_is_cut_in_an_even_number_of_nearly_equal_cohorts(tiny, count, sizes):
    plan = planned(tiny(), range(count), compare=("plain",))
    assert [len(c.members) for c in plan.cohorts] == sizes
    assert [i for c in plan.cohorts for i in c.members] == list(range(count))


def test_on_a_gpu_a_group_stays_whole(tiny):
    members = make_members(tiny(), range(50), {}, ("plain",))
    plan, _ = make(tiny(), members, "cuda")
    assert [len(c.members) for c in plan.cohorts] == [50]
