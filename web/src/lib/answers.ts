/**
 * What the server answers, address by address. What `core` declares is in `types.ts`, which is
 * made from it.
 */

import type { Value } from './address';
import type { ClaimResult, Drawing, ExhibitResult, FitCommand, MemberRow, RecordedEvent, RunCommand } from './types';

export type Verdict = 'supported' | 'refuted' | 'undecided';
export type RunState = 'starting' | 'running' | 'paused' | 'stopped' | 'finished' | 'damaged';
export type Numbers = readonly (number | null)[];

// Labs

export interface LastRun {
  run: string;
  state: RunState;
  evidence: boolean;
  started: string;
  verdicts: Record<string, Verdict | null>;
}

export interface LabEntry {
  name: string;
  area: string;
  week: number;
  needs: string[];
  leads_to: string[];
  question: string;
  systems: number[];
  seconds: number;
  expected: Record<string, Verdict>;
  exhibits: string[];
  own: boolean;
  recorded: boolean;
  exercises: string[];
  last: LastRun | null;
}

export interface LabList {
  areas: string[];
  labs: LabEntry[];
}

export interface Setting {
  name: string;
  default: Value;
  scale: 'log' | 'linear' | 'whole' | 'switch' | 'choice';
  low: number | null;
  high: number | null;
  choices: string[];
  allowed: string;
  /** Changes that are known to make a difference. */
  effect: Record<string, Value> | null;
}

export interface Wrong {
  setting: string;
  changes: Record<string, Value> | null;
  reason: string;
}

export interface ExerciseLink {
  name: string;
  title: string;
  minutes: number;
  state: 'open' | 'tried' | 'solved';
}

export interface Lab {
  name: string;
  area: string;
  week: number;
  needs: string[];
  leads_to: string[];
  question: string;
  seconds: number;
  seeds: number;
  scope: string;
  own: boolean;
  trains: boolean;
  text: string[];
  settings: Setting[];
  comparisons: { name: string; changes: Record<string, Value | null>; words: string }[];
  claims: (Pick<ClaimResult, 'id' | 'statement' | 'left' | 'right' | 'metric' | 'bound' | 'scope'> & {
    kind: string;
    expected: Verdict;
  })[];
  exhibits: Pick<ExhibitResult, 'id' | 'statement' | 'tolerance'>[];
  metrics: Record<string, { unit: string; better: 'higher' | 'lower' }>;
  quick: Record<string, Value>;
  wrong: Wrong[];
  read_more: string[];
  exercises: ExerciseLink[];
  has_picture: boolean;
  has_movie: boolean;
  recorded: boolean;
}

export interface Script {
  lab: string;
  comparison: string | null;
  comparisons: string[];
  text: string;
}

// Runs

export type RunOrder = { lab: string; changes?: Record<string, Value> } & Partial<
  Pick<RunCommand, 'seeds' | 'compare' | 'quick'>
>;

export interface Ordered {
  command: string;
  evidence: boolean;
  why_no_verdict: string[];
  networks: number;
  device: string;
}

export type Progress = { done: number; total: number };

export interface RunEntry {
  run: string;
  kind: 'lab' | 'fit';
  lab: string;
  question: string;
  started: string;
  state: RunState;
  here: boolean;
  members: number;
  evidence: boolean;
  verdicts: Record<string, Verdict | null>;
  bytes: number;
  problem: string;
  progress: Progress | null;
  command: string;
}

export interface RunList {
  folder: string;
  runs: RunEntry[];
  deleted: { run: string; lab: string; started: string }[];
}

export interface Claim extends ClaimResult {
  region: [number | null, number | null] | null;
  words: Record<'verdict' | 'effect' | 'interval' | 'p' | 'contrast' | 'expected', string>;
}

export type Exhibit = ExhibitResult;

/** A metric along the way, over the networks of one comparison. */
export interface Spread {
  x: number[];
  mean: Numbers;
  low: Numbers;
  high: Numbers;
  networks: number;
  counted: number;
}

/** A network; what happens to it is put in while one looks. */
export type Member = Pick<MemberRow, 'index' | 'comparison' | 'seed' | 'best_step'> & {
  settings: Record<string, Value>;
  curves: Record<string, Numbers>;
  final: Record<string, number | null>;
  diverged_at: number | null;
  stopped_at: number | null;
};

interface AnyRun {
  run: string;
  lab: string;
  question: string;
  state: RunState;
  here: boolean;
  problem: string;
  started: string;
  seconds: number;
  command: string;
  device: string;
  n: number;
  progress: Progress | null;
}

export interface LabRun extends AnyRun {
  kind: 'lab';
  recorded?: boolean;
  /** Of a recorded run, what there was room for. */
  probes?: Probes;
  filmed?: Record<string, Snapshots>;
  evidence: boolean;
  why_no_verdict: string[];
  scope: string;
  axis: string;
  main_metric: string | null;
  comparisons: string[];
  metrics: string[];
  claims: Claim[];
  exhibits: Exhibit[];
  curves: Record<string, Record<string, Spread>>;
  curves_words: Record<string, string>;
  members: Member[];
  panels: { probes: string[]; snapshots: string[]; frames: number; movie: boolean };
  notes: string[];
  versions: Record<string, string>;
  about: Record<string, unknown>;
}

export interface Notice {
  code: string;
  text?: string;
  means?: string;
}

export interface Baseline {
  name: string;
  score: number | null;
  interval: [number, number] | null;
  difference?: number | null;
  difference_interval?: [number, number] | null;
}

export interface FitResult {
  question: string;
  metric: string;
  score: number | null;
  interval: [number, number] | null;
  interval_over: unknown;
  baselines: Baseline[];
  best_baseline: string;
  network_is_better: boolean | null;
  networks: Baseline[];
  warnings: Notice[];
  seconds: number;
  members: number;
  /** Whether the network is worth it; after a colon, the scores that say so. */
  first_line: string;
  /** What the score is a score of. */
  procedure: string;
}

export interface Split {
  rule: string;
  folds: number;
  inner_folds: number;
  gap: number | null;
  hash: string;
}

export interface FitRun extends AnyRun {
  kind: 'fit';
  task: string;
  target: string;
  rows: number;
  split: Split;
  notices: Notice[];
  /** What it predicts from, in words. */
  inputs: string;
  result: FitResult | null;
}

export type Run = LabRun | FitRun;

export interface Probes {
  steps: number[];
  probes: Record<string, Record<string, { layers: string[]; values: Numbers[] }>>;
}

/** One network as it was filmed; held-out rows are drawn on top: the inputs, then the target. */
export interface Filmed {
  member: number;
  comparison: string;
  seed: number;
  frames: { step: number; epoch: number; drawing: Drawing | null }[];
  rows: number[][];
}

/** What was kept under one name, of one network of each comparison. */
export interface Snapshots {
  name: string | null;
  names: string[];
  networks: Filmed[];
}

/** Rows of the data; `picture` is their height and width where they are pictures. */
export interface Rows {
  picture: [number, number] | null;
  rows: { row: number; target: number; values: number[] }[];
}

export interface Finding {
  comparison: string;
  code: string;
  evidence: string;
  networks: number;
  of: number;
  means: string;
  try_this: string;
}

// Practice

export interface Exercise {
  name: string;
  title: string;
  area: string;
  needs: string[];
  lab: string | null;
  minutes: number;
  state: 'open' | 'tried' | 'solved';
  tries: number;
  hints: number;
  solution_shown: boolean;
  next: boolean;
}

export interface ExerciseList {
  folder: string;
  solved: number;
  areas: string[];
  exercises: Exercise[];
}

export interface OwnFile {
  path: string;
  text: string;
  base: string;
}

export interface ExercisePage extends Exercise {
  task: string;
  stub: string;
  file: OwnFile | null;
  hints_total: number;
  hints_shown: string[];
  offers_solution: boolean;
  solution: string | null;
  watched: boolean;
}

export interface Checked {
  exercise: string;
  file: string;
  passed: boolean;
  problem: string | null;
  mistake: string | null;
  line: number | null;
  checks: {
    task: string;
    name: string;
    means: string;
    state: 'passed' | 'failed' | 'not run';
    problem: string | null;
  }[];
  printed: string;
  tries: number;
  solved: boolean;
  solution_shown: boolean;
  seconds: number;
  offers_solution?: boolean;
  upcoming?: string | null;
  base?: string;
}

// Own data

export interface DataFiles {
  folder: string;
  limit: number;
  tables: string[];
  files: { name: string; bytes: number }[];
  kinds: string[];
}

export interface Column {
  name: string;
  kind: string;
  values: string;
  missing?: number;
  distinct?: number;
}

export interface Columns {
  name: string;
  rows: number;
  columns: Column[];
  trials: number[] | null;
}

export type FitOrder = { data: string } & Pick<
  FitCommand,
  'target' | 'group' | 'in_time' | 'task' | 'leave_out' | 'budget'
>;

export interface Look {
  command: string;
  question: string;
  task: string;
  rows: number;
  target: string;
  classes: string[];
  columns: Column[];
  split: Split;
  cost: { seconds: number; memory_mb: number; networks: number };
  warnings: Notice[];
}

/** What a fit's networks say of the first rows of a file. */
export interface Predictions {
  name: string;
  rows: number;
  header: string[];
  lines: string[][];
  notes: string[];
}

// The stream

export type StreamEvent =
  | { kind: 'hello'; boot: string }
  | { kind: 'reset' }
  | { kind: 'runs' }
  | { kind: 'state'; run: string; state: RunState; note: string }
  | { kind: 'progress'; run: string; done: number; total: number }
  | { kind: 'event'; run: string; n: number; event: RecordedEvent }
  | { kind: 'checking'; exercise: string }
  | { kind: 'checked'; exercise: string; checked: Checked };
