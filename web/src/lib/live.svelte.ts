/** One run in sight: what is recorded, and what happens while one looks. */

import type { FitRun, LabRun, Member, Progress, Run, RunState, Spread, StreamEvent } from './answers';
import type { Measured, RecordedEvent } from './types';
import { api, problemsOf } from './api';
import { spreads } from './curves';
import { listen } from './stream.svelte';

const MOVING: readonly RunState[] = ['starting', 'running'];

export class LiveRun {
  run = $state.raw<Run | null>(null);
  state = $state<RunState>('starting');
  progress = $state.raw<Progress | null>(null);
  note = $state('');
  problems = $state.raw<string[]>([]);
  /** Seconds left, as far as the pace so far tells. */
  left = $state<number | null>(null);
  /** Kinds of things to look at that came since: "probed", "snapshot". */
  fresh = $state({ probed: 0, snapshot: 0 });

  #waiting: StreamEvent[] | null = null;
  #n = 0;
  #moved = false;
  #began: { at: number; done: number } | null = null;
  #frame = 0;
  #end: () => void;

  constructor(readonly id: string) {
    this.#end = listen((event) => this.#hear(event));
    void this.load();
  }

  get lab(): LabRun | null {
    return this.run?.kind === 'lab' ? this.run : null;
  }

  get fit(): FitRun | null {
    return this.run?.kind === 'fit' ? this.run : null;
  }

  get moving(): boolean {
    return MOVING.includes(this.state);
  }

  /** Read what is recorded; events that come meanwhile are put on top. */
  async load(): Promise<void> {
    if (this.#waiting) return;
    this.#waiting = [];
    try {
      this.#keep(await api.run(this.id));
    } catch (error) {
      this.problems = problemsOf(error);
    }
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    for (const event of waiting) this.#hear(event);
  }

  #keep(run: Run): void {
    this.run = run;
    this.state = run.state;
    this.progress = run.progress ?? this.progress;
    this.#n = run.n;
    this.#moved = false;
    this.problems = [];
  }

  #hear(event: StreamEvent): void {
    if (event.kind === 'reset') void this.load();
    if (!('run' in event) || event.run !== this.id) return;
    if (event.kind === 'progress') this.#advance(event);
    else if (this.#waiting) this.#waiting.push(event);
    else if (event.kind === 'state') this.#turn(event.state, event.note);
    else if (event.kind === 'event') this.#take(event.n, event.event);
  }

  #advance({ done, total }: Progress): void {
    this.progress = { done, total };
    const now = performance.now() / 1000;
    this.#began ??= { at: now, done };
    const pace = (done - this.#began.done) / (now - this.#began.at);
    if (now - this.#began.at > 1 && pace > 0) this.left = (total - done) / pace;
  }

  #turn(state: RunState, note: string): void {
    this.state = state;
    this.note = note;
    if (!MOVING.includes(state)) {
      this.#began = null;
      this.left = null;
    }
    void this.load();
  }

  #take(n: number, event: RecordedEvent): void {
    if (n <= this.#n) return;
    if (n > this.#n + 1 || event.kind === 'finished') {
      void this.load();
      return;
    }
    this.#n = n;
    if (event.kind === 'probed' || event.kind === 'snapshot') this.fresh[event.kind] += 1;
    const run = this.lab;
    if (run && putIn(run, event)) {
      this.#moved = true;
      // Members are filled in place; a copy of what holds them tells whoever draws, once a frame.
      this.#frame ||= requestAnimationFrame(() => {
        this.#frame = 0;
        if (this.run === run) this.run = { ...run };
      });
    }
  }

  /** Mean and band of a metric, as of now. */
  spreads(metric: string): Record<string, Spread> {
    const run = this.lab;
    if (!run) return {};
    const recorded = run.curves[metric];
    return recorded && !this.#moved ? recorded : spreads(run.members, metric, run.axis);
  }

  leave(): void {
    cancelAnimationFrame(this.#frame);
    this.#end();
  }
}

/** Add an event to a run; whether curves have changed. Members are filled in place: they are many. */
function putIn(run: LabRun, event: RecordedEvent): boolean {
  const byIndex = (index: number): Member | undefined =>
    run.members[index]?.index === index ? run.members[index] : run.members.find((m) => m.index === index);
  if (event.kind === 'measured') {
    for (const metric of Object.keys(event.values)) {
      if (!run.metrics.includes(metric)) run.metrics = [...run.metrics, metric];
    }
    run.axis = 'epoch';
    run.main_metric ??= mainMetric(run);
    event.members.forEach((index, i) => {
      const member = byIndex(index);
      if (member) measure(member, event, i);
    });
    return true;
  }
  if (event.kind === 'diverged' || event.kind === 'stopped') {
    const member = byIndex(event.member);
    if (member && event.kind === 'diverged') member.diverged_at ??= event.step;
    if (member && event.kind === 'stopped') member.stopped_at ??= event.step;
    return member !== undefined;
  }
  return false;
}

/** The metric of the first claim, or one that ends alike, or the first that was measured. */
function mainMetric(run: LabRun): string | null {
  const wanted = run.claims.find((claim) => claim.metric)?.metric ?? '';
  const ending = wanted.split('_').at(-1);
  const alike = run.metrics.find((metric) => metric.split('_').at(-1) === ending);
  return run.metrics.includes(wanted) ? wanted : (alike ?? run.metrics[0] ?? null);
}

function measure(member: Member, event: Measured, i: number): void {
  const end = member.diverged_at ?? member.stopped_at ?? Infinity;
  const steps = (member.curves['step'] ??= []) as (number | null)[];
  const last = steps.at(-1) ?? -1;
  const named = Object.entries(event.values);
  if (event.final) for (const [metric, values] of named) member.final[metric] = values[i] ?? null;
  if (event.step <= last || event.step > end) return;
  if (named.every(([, values]) => values[i] === null)) return;
  steps.push(event.step);
  ((member.curves['epoch'] ??= []) as (number | null)[]).push(event.epoch);
  for (const [metric, values] of named) {
    const curve = (member.curves[metric] ??= []) as (number | null)[];
    while (curve.length < steps.length - 1) curve.push(null);
    curve.push(values[i] ?? null);
  }
}
