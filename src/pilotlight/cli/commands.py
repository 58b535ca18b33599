"""The commands: what can be typed, and help for it. The work is imported when it is asked for."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import App, Parameter

import pilotlight

app = App(
    name="pilotlight",
    help="""A laboratory for deep learning: claims, tested with many seeds and an honest verdict.

Example: pilotlight run momentum

Exit codes: 0 fine, 1 a result is not as expected, 2 wrong use, 130 stopped by Ctrl-C.""",
    version=pilotlight.__version__,
    help_format="plaintext",
    help_formatter="plain",
    default_parameter=Parameter(negative="", show_default=False),
)

Json = Annotated[bool, Parameter("--json", help="Print JSON for a machine to read.")]
Device = Literal["auto", "cpu", "cuda", "mps"]
Jobs = Annotated[
    int | None, Parameter(help="Worker processes; else the machine's cores. Same numbers always.")
]


@app.command(name="list")
def list_(*, as_json: Json = False) -> int:
    """List all labs by area: how long each takes, the verdicts it expects, its question.

    Example: pilotlight list
    """
    from pilotlight.cli import labs

    return labs.show_list(as_json)


@app.command
def show(
    name: Annotated[str, Parameter(help="A lab's name, or the path of a lab file.")],
    /,
    *,
    script: Annotated[bool, Parameter(help="Print the lab as a plain PyTorch script.")] = False,
    comparison: Annotated[
        str | None, Parameter(help="With --script: the comparison to print; else the first.")
    ] = None,
) -> int:
    """Show a lab: its question, text, claims, settings and comparisons.

    Example: pilotlight show momentum --script > momentum.py
    """
    from pilotlight.cli import labs

    return labs.show_lab(name, script, comparison)


@app.command
def run(
    *names: Annotated[str, Parameter(help="Names of labs, or paths of lab files.")],
    seeds: Annotated[int | None, Parameter(help="How many seeds; else the lab's own.")] = None,
    changes: Annotated[
        tuple[str, ...],
        Parameter("--set", help="Change a setting, as in rate=0.1. May be repeated."),
    ] = (),
    compare: Annotated[
        str | None, Parameter(help="Only these comparisons, as in plain,heavy_ball.")
    ] = None,
    device: Annotated[
        Device | None, Parameter(help="auto takes an Nvidia GPU where there is one.")
    ] = None,
    quick: Annotated[bool, Parameter(help="A short run, for a first look.")] = False,
    compiled: Annotated[
        bool,
        Parameter("--compile", help="Compile the steps: a wait at the start, then quicker."),
    ] = False,
    plan: Annotated[bool, Parameter(help="Say what would be trained, and train nothing.")] = False,
    resume: Annotated[
        str | None,
        Parameter(help="Go on with the run in this folder; beside it only --jobs and --json."),
    ] = None,
    out: Annotated[
        str | None, Parameter(help="The run's folder, new or empty; else runs/NAME-DATE-ID.")
    ] = None,
    jobs: Jobs = None,
    as_json: Json = False,
) -> int:
    """Run labs and say their verdicts.

    With --seeds, --set, --compare or --quick a run is for exploring and gives no verdict.

    Example: pilotlight run momentum --set rate=0.1 --seeds 3
    """
    from pilotlight.cli import training

    return training.run(
        names,
        seeds=seeds,
        changes=changes,
        compare=compare,
        device=device,
        quick=quick,
        compiled=compiled,
        plan=plan,
        resume=resume,
        out=out,
        jobs=jobs,
        as_json=as_json,
    )


@app.command
def verify(
    *names: Annotated[str, Parameter(help="Names of labs, or paths of lab files.")],
    all_labs: Annotated[bool, Parameter("--all", help="Verify every lab.")] = False,
    jobs: Jobs = None,
    as_json: Json = False,
) -> int:
    """Train labs afresh, on other seeds, and compare their verdicts with what they expect.

    Exit code 1 when a verdict differs or an exhibit fails.

    Example: pilotlight verify momentum
    """
    from pilotlight.cli import training

    return training.verify(names, all_labs, jobs, as_json)


@app.command
def fit(
    path: Annotated[
        str | None,
        Parameter(help="A table (.csv, .tsv, .parquet), arrays (.npz, .mat) or .nwb; or penguins."),
    ] = None,
    /,
    *,
    target: Annotated[
        str | None, Parameter(help="The column to predict; several as in speed,angle.")
    ] = None,
    group: Annotated[
        str | None,
        Parameter(help="The column that says what rows belong to: an animal, a session."),
    ] = None,
    in_time: Annotated[
        bool, Parameter(help="Rows are in order of time: blocks with gaps are held out.")
    ] = False,
    task: Annotated[
        Literal["classification", "regression", "counts"] | None,
        Parameter(help="What the target is; else guessed, and said."),
    ] = None,
    types: Annotated[
        str | None, Parameter(help="What columns hold, as in year=category,day=date.")
    ] = None,
    leave_out: Annotated[
        str | None, Parameter(help="Columns not to predict from, as in name,weight.")
    ] = None,
    bin_width: Annotated[
        float | None,
        Parameter("--bin", help="Where spike times are counted: seconds a bin, 0.05 unless given."),
    ] = None,
    folds: Annotated[
        str | None, Parameter(help="How many outer folds, 5 unless given; or a file of them.")
    ] = None,
    inner_folds: Annotated[
        int | None, Parameter(help="How many inner folds choose settings; 3 unless given.")
    ] = None,
    seeds: Annotated[int | None, Parameter(help="Networks of each fold; 3 unless given.")] = None,
    candidates: Annotated[
        int | None, Parameter(help="How many settings are tried; 16 unless given.")
    ] = None,
    budget: Annotated[
        str | None, Parameter(help="Instead of --candidates: about how long, as in 90s, 2m, 1h.")
    ] = None,
    sampler: Annotated[
        Literal["halton", "optuna"] | None,
        Parameter(help="halton spreads candidates evenly; optuna lets half follow from the other."),
    ] = None,
    no_halving: Annotated[
        bool, Parameter(help="Train all candidates to the end, not the better half of them.")
    ] = False,
    model: Annotated[
        str | None, Parameter(help="A Python file with your own networks, to try these instead.")
    ] = None,
    device: Annotated[
        Device | None, Parameter(help="auto takes an Nvidia GPU where there is one.")
    ] = None,
    dry_run: Annotated[
        bool, Parameter(help="Look at the data, say what would be done, and train nothing.")
    ] = False,
    resume: Annotated[
        str | None,
        Parameter(help="Go on with the fit in this folder; beside it --jobs, --json."),
    ] = None,
    out: Annotated[
        str | None, Parameter(help="The fit's folder, new or empty; else runs/NAME-DATE-ID.")
    ] = None,
    jobs: Jobs = None,
    as_json: Json = False,
) -> int:
    """Can a network predict a column of your data, how well really, and is it worth it?

    Example: pilotlight fit penguins --target species
    """
    from pilotlight.cli import fitting

    given = {
        "target": target,
        "group": group,
        "in_time": in_time or None,
        "task": task,
        "types": types,
        "leave_out": leave_out,
        "bin": bin_width,
        "folds": folds,
        "inner_folds": inner_folds,
        "seeds": seeds,
        "candidates": candidates,
        "budget": budget,
        "sampler": sampler,
        "halving": False if no_halving else None,
        "model": model,
        "device": device,
        "out": out,
        "jobs": jobs,
    }
    typed = {name: value for name, value in given.items() if value is not None}
    return fitting.fit(path, typed, dry_run=dry_run, resume=resume, as_json=as_json)


@app.command
def predict(
    run: Annotated[str, Parameter(help="The folder of a finished fit.")],
    path: Annotated[str, Parameter(help="A file of new rows, with the columns of the old ones.")],
    /,
    *,
    as_json: Json = False,
) -> int:
    """Predict new rows with a fit: a header line, then one line for each row.

    Example: pilotlight predict runs/fit-penguins-20300102-ab12 new.csv > predictions.csv
    """
    from pilotlight.cli import fitting

    return fitting.predict(run, path, as_json)


@app.command
def practice(
    name: Annotated[str | None, Parameter(help="An exercise; without one, the map of all.")] = None,
    /,
    *,
    hint: Annotated[bool, Parameter(help="Print the next hint.")] = False,
    solution: Annotated[
        bool, Parameter(help="Print a solution; that it was shown is remembered.")
    ] = False,
    notebook: Annotated[bool, Parameter(help="Make a notebook of it, not a .py file.")] = False,
    as_json: Json = False,
) -> int:
    """Write it yourself: the map of exercises, or begin one in the folder practice.

    Example: pilotlight practice momentum
    """
    from pilotlight.cli import practice as room

    if name is None:
        return room.show_map(as_json, hint or solution or notebook)
    return room.begin(name, hint, solution, notebook, as_json)


@app.command
def check(
    name: Annotated[str, Parameter(help="An exercise, or the path of the file that you wrote.")],
    /,
    *,
    watch: Annotated[bool, Parameter(help="Check at every save, until all passes.")] = False,
    as_json: Json = False,
) -> int:
    """Check what you wrote: expected against actual, and which usual mistake it is.

    Exit code 1 when a check does not pass.

    Example: pilotlight check momentum --watch
    """
    from pilotlight.cli import practice as room

    return room.check(name, watch, as_json)


@app.command
def runs(
    *,
    root: Annotated[str | None, Parameter(help="The folder that holds runs; else runs.")] = None,
    as_json: Json = False,
) -> int:
    """List the runs on this disk: their state, their verdicts and what they weigh.

    Example: pilotlight runs
    """
    from pilotlight.cli import runs as room

    return room.show_runs(root, as_json)


@app.command
def report(
    run: Annotated[str, Parameter(help="The folder of a run.")],
    /,
    *,
    as_json: Json = False,
    open_page: Annotated[bool, Parameter("--open", help="Open the page in a browser.")] = False,
) -> int:
    """Write a run's report as one page, report.html in its folder, and print where it is.

    Example: pilotlight report runs/momentum-20300102-ab12 --open
    """
    from pilotlight.cli import runs as room

    return room.show_report(run, as_json, open_page)


@app.command
def diagnose(
    run: Annotated[str, Parameter(help="The folder of a run.")],
    /,
    *,
    as_json: Json = False,
) -> int:
    """Say what is wrong with a run's training, with the evidence and what to try.

    Exit code 1 when something is found.

    Example: pilotlight diagnose runs/momentum-20300102-ab12
    """
    from pilotlight.cli import diagnose as room

    return room.show_diagnosis(run, as_json)


@app.command(name="app")
def app_(
    *labs: Annotated[str, Parameter(help="Lab files of your own, to have on the map as well.")],
    port: Annotated[int | None, Parameter(help="The port; else 8766, or a free one.")] = None,
    no_browser: Annotated[bool, Parameter(help="Only print the address.")] = False,
    runs: Annotated[str | None, Parameter(help="The folder that holds runs; else runs.")] = None,
    allow_host: Annotated[
        tuple[str, ...],
        Parameter(help="Behind a proxy: the name that browsers use. May be repeated."),
    ] = (),
    root_path: Annotated[
        str | None, Parameter(help="Behind a proxy: what it puts before all addresses.")
    ] = None,
) -> int:
    """Open the laboratory in a browser: a map of all labs, live training, practice, own data.

    Only this machine can reach it; the address that is printed holds a token that lets you in.

    Example: pilotlight app
    """
    from pilotlight.cli import app as room

    return room.open_app(labs, port, not no_browser, runs, allow_host, root_path)


@app.command
def doctor(*, as_json: Json = False) -> int:
    """Say what this machine has, what that means, and what to do.

    Exit code 1 when there is a problem.

    Example: pilotlight doctor
    """
    from pilotlight.cli import doctor as room

    return room.show_findings(as_json)
