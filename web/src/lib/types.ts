// Made by docs/generate.py from pilotlight.core. Change the code, then say: make docs

/** One declared setting: its default, its allowed range and how it is drawn on a control. */
export interface Setting {
  readonly default: number | boolean | string;
  readonly scale: "log" | "linear" | "whole" | "switch" | "choice";
  readonly low: number;
  readonly high: number;
  readonly choices: readonly string[];
}

/** Run one lab. `lab` is a name, the path of a lab file, or (in a notebook) a Lab. */
export interface RunCommand {
  readonly lab: unknown;
  readonly seeds: number | null;
  readonly first_seed: number;
  readonly changes: Readonly<Record<string, unknown>>;
  readonly compare: readonly string[];
  readonly device: string;
  readonly quick: boolean;
  readonly jobs: number | null;
  readonly compiled: boolean;
  readonly out: string | null;
  readonly source: string;
}

/** Can a network predict a column of a person's own data, and is it worth it? */
export interface FitCommand {
  readonly data: unknown;
  readonly target: string;
  readonly group: string | null;
  readonly in_time: boolean;
  readonly task: string | null;
  readonly types: Readonly<Record<string, string>>;
  readonly leave_out: readonly string[];
  readonly bin: number | null;
  readonly folds: number | string;
  readonly inner_folds: number;
  readonly seeds: number;
  readonly candidates: number | null;
  readonly budget: string | null;
  readonly sampler: string;
  readonly halving: boolean;
  readonly model: unknown;
  readonly device: string;
  readonly jobs: number | null;
  readonly out: string | null;
}

/** What a run says about one claim. */
export interface ClaimResult {
  readonly id: string;
  readonly statement: string;
  readonly verdict: string | null;
  readonly expected: string | null;
  readonly effect: number | null;
  readonly interval: readonly [number, number] | null;
  readonly unit: string;
  readonly seeds: number;
  readonly p: number | null;
  readonly scope: string;
  readonly bound: string;
  readonly test: string;
  readonly level: number | null;
  readonly p_alone: number | null;
  readonly notes: readonly string[];
  readonly left: string;
  readonly right: string | null;
  readonly metric: string;
}

/** What an exact demonstration showed: its error against the oracle, and values to look at. */
export interface ExhibitResult {
  readonly id: string;
  readonly statement: string;
  readonly passed: boolean;
  readonly error: number;
  readonly tolerance: number;
  readonly values: Readonly<Record<string, unknown>>;
}

/** One network of a run, as views know it. `curves[metric]` runs along `curves["epoch"]`. */
export interface MemberRow {
  readonly index: number;
  readonly comparison: string;
  readonly seed: number;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly curves: Readonly<Record<string, readonly (number | null)[]>>;
  readonly final: Readonly<Record<string, number | null>>;
  readonly diverged_at: number | null;
  readonly stopped_at: number | null;
  readonly best_step: number | null;
  readonly probes: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, number | null>>>>>>;
  readonly snapshots: readonly (Readonly<Record<string, unknown>>)[];
}

/** Everything a view shows of one run of one lab. */
export interface Report {
  readonly lab: string;
  readonly question: string;
  readonly text: string;
  readonly evidence: boolean;
  readonly why_no_verdict: readonly string[];
  readonly claims: readonly ClaimResult[];
  readonly exhibits: readonly ExhibitResult[];
  readonly members: readonly MemberRow[];
  readonly run: string;
  readonly state: string;
  readonly seconds: number;
  readonly versions: Readonly<Record<string, string>>;
  readonly about: Readonly<Record<string, unknown>>;
  readonly notes: readonly string[];
  readonly script: string;
  readonly read_more: readonly string[];
  readonly wrong: Readonly<Record<string, string>>;
}

/** A world as a person sees it: its name, what the agent sees of it, what the agent can do. */
export interface Scene {
  readonly world: string;
  readonly sees: readonly string[];
  readonly does: readonly string[];
}

/** Something a person should know: a network that cannot be stacked, an early end. */
export interface Note {
  readonly kind: "note";
  readonly text: string;
}

/** All members of a cohort were evaluated: `values[metric][i]` belongs to `members[i]`. */
export interface Measured {
  readonly kind: "measured";
  readonly cohort: number;
  readonly step: number;
  readonly epoch: number;
  readonly members: readonly number[];
  readonly values: Readonly<Record<string, readonly (number | null)[]>>;
  readonly final: boolean;
}

/** Per layer of each member: norms of activations and gradients. `values[probe][layer][i]`. */
export interface Probed {
  readonly kind: "probed";
  readonly cohort: number;
  readonly step: number;
  readonly members: readonly number[];
  readonly values: Readonly<Record<string, Readonly<Record<string, readonly (number | null)[]>>>>;
}

/** What is kept to draw of some members along the way: `values[name][i]`. */
export interface Snapshot {
  readonly kind: "snapshot";
  readonly cohort: number;
  readonly step: number;
  readonly epoch: number;
  readonly members: readonly number[];
  readonly values: Readonly<Record<string, readonly unknown[]>>;
  readonly final: boolean;
}

/** A member's loss or measurement is no longer finite; it counts as the worst from here on. */
export interface Diverged {
  readonly kind: "diverged";
  readonly cohort: number;
  readonly step: number;
  readonly member: number;
}

/** Early stopping: the member goes back to its weights of `best_step`. */
export interface Stopped {
  readonly kind: "stopped";
  readonly cohort: number;
  readonly step: number;
  readonly member: number;
  readonly best_step: number;
}

/** A cohort is trained. `weights` maps "member/parameter name" to tensors; kept beside. */
export interface CohortDone {
  readonly kind: "cohortdone";
  readonly cohort: number;
  readonly seconds: number;
}

/** An exact demonstration was shown. */
export interface Exhibited {
  readonly kind: "exhibited";
  readonly id: string;
  readonly error: number;
  readonly tolerance: number;
  readonly passed: boolean;
  readonly values: Readonly<Record<string, unknown>>;
}

/** The run is complete. Seconds are of training, over all its parts if it was resumed. */
export interface Finished {
  readonly kind: "finished";
  readonly seconds: number;
}

/** A line of a run's journal. */
export type RecordedEvent = Note | Measured | Probed | Snapshot | Diverged | Stopped | CohortDone | Exhibited | Finished;

/** Points of a plane: the first number to the right, the second upwards. */
export interface Points {
  readonly kind: "points";
  readonly points: readonly (readonly [number, number])[];
}

/** Tables of numbers, `grids[table][row][column]`, each drawn as a picture of greys. */
export interface Grid {
  readonly kind: "grid";
  readonly grids: readonly (readonly (readonly number[])[])[];
}

/** What a network of one number says, `y[i]` at `x[i]`. */
export interface Curve {
  readonly kind: "curve";
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/** How many held-out rows of each class were taken for which: `counts[class][taken for]`. */
export interface Confusion {
  readonly kind: "confusion";
  readonly counts: readonly (readonly number[])[];
  readonly samples: readonly (readonly [number, number, readonly number[]])[];
}

/** The winning class and its chance at `side` by `side` places of a plane. */
export interface Surface {
  readonly kind: "surface";
  readonly x: readonly [number, number];
  readonly y: readonly [number, number];
  readonly side: number;
  readonly classes: number;
  readonly cells: string;
}

/** Moments of one episode: what the agent saw `[moment][what]`, what it did, after which step. */
export interface Path {
  readonly kind: "path";
  readonly scene: Scene;
  readonly seen: readonly (readonly number[])[];
  readonly actions: readonly number[];
  readonly steps: readonly number[];
}

/** Something that was kept along the way to be looked at. */
export type Drawing = Points | Grid | Curve | Confusion | Surface | Path;
