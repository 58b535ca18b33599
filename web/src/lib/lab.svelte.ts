/** A lab's page in hand: the lab, the recorded run, what is set, what runs. */

import { readState, writeState, type LabState, type Value } from './address';
import type { Lab, LabRun, Ordered, RunOrder, Setting } from './answers';
import { api, problemsOf } from './api';
import { labs } from './labs.svelte';
import { LiveRun } from './live.svelte';
import { go, route } from './router.svelte';
import { complain } from './toasts.svelte';

const PAUSE = 250;

export class LabModel {
  lab = $state.raw<Lab | null>(null);
  recorded = $state.raw<LabRun | null>(null);
  problems = $state.raw<string[]>([]);
  /** What a run of these settings would be, or why there can be none. */
  ordered = $state.raw<Ordered | null>(null);
  refused = $state.raw<string[]>([]);
  live = $state.raw<LiveRun | null>(null);
  starting = $state(false);
  /** Which run is looked at. */
  view = $state<'run' | 'recorded'>('recorded');

  #timer: ReturnType<typeof setTimeout> | undefined;
  #asking: AbortController | null = null;

  constructor(readonly name: string) {
    void this.#load();
  }

  readonly settings: Record<string, Setting> = $derived(
    Object.fromEntries((this.lab?.settings ?? []).map((s) => [s.name, s])),
  );
  readonly state: LabState = $derived(readState(route.query, this.settings));
  readonly isChanged: boolean = $derived(
    Object.keys(this.state.changes).length > 0 ||
      this.state.seeds !== null ||
      this.state.quick ||
      this.state.compare.length > 0,
  );
  readonly liveLab: LabRun | null = $derived(this.live?.lab ?? null);
  readonly shown: LabRun | null = $derived(
    this.view === 'run' && this.liveLab ? this.liveLab : this.recorded,
  );
  readonly order: string[] = $derived(
    this.lab?.comparisons.map((c) => c.name) ?? this.shown?.comparisons ?? [],
  );

  async #load(): Promise<void> {
    try {
      // The recorded run needs no torch, so it is there before the lab is.
      const known = labs.find(this.name)?.recorded;
      const early = known ? api.recorded(this.name) : null;
      early?.catch(() => undefined); // what goes wrong is said where it is awaited
      const lab = await api.lab(this.name);
      if (lab.recorded) this.recorded = await (early ?? api.recorded(this.name));
      this.lab = lab;
    } catch (error) {
      this.problems = problemsOf(error);
    }
  }

  /** A setting as it is now. */
  value(name: string): Value {
    return this.state.changes[name] ?? this.settings[name]!.default;
  }

  set(name: string, value: Value): void {
    const changes = { ...this.state.changes, [name]: value };
    if (value === this.settings[name]!.default) delete changes[name];
    this.#go({ changes });
  }

  change(what: Partial<LabState>): void {
    this.#go(what);
  }

  reset(): void {
    this.#go({ changes: {}, seeds: null, quick: false, compare: [] });
  }

  #go(what: Partial<LabState>): void {
    go(`lab/${this.name}${writeState({ ...this.state, ...what })}`, { replace: true });
  }

  get asked(): RunOrder {
    const { changes, seeds, compare, quick } = this.state;
    return { lab: this.name, changes, seeds, compare, quick };
  }

  /** Ask the server, a moment later, whether this can be run and how it is typed. */
  check(): void {
    const order = this.asked;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#ask(order), PAUSE);
  }

  async #ask(order: RunOrder): Promise<void> {
    this.#asking?.abort();
    const asking = (this.#asking = new AbortController());
    try {
      this.ordered = await api.command(order, asking.signal);
      this.refused = [];
    } catch (error) {
      if (!asking.signal.aborted) this.refused = problemsOf(error);
    }
  }

  /** Show the run that the address names. */
  follow(id: string): void {
    if (this.live?.id === id) return;
    this.live?.leave();
    this.live = id ? new LiveRun(id) : null;
    this.view = id ? 'run' : 'recorded';
  }

  async run(): Promise<void> {
    if (this.starting) return;
    this.starting = true;
    try {
      const { run } = await api.start(this.asked);
      this.#go({ run });
    } catch (error) {
      complain(problemsOf(error));
    } finally {
      this.starting = false;
    }
  }

  leave(): void {
    clearTimeout(this.#timer);
    this.#asking?.abort();
    this.live?.leave();
  }
}

/** Pause, stop or go on with a run; what cannot be done is said. */
export async function steer(run: LiveRun, what: 'pause' | 'stop' | 'resume'): Promise<void> {
  try {
    const { state } = await api.change(run.id, what);
    if (state) run.state = state;
  } catch (error) {
    complain(problemsOf(error));
  }
}
