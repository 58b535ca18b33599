/** The list of runs, kept as it is on the server. */

import type { RunEntry, RunList, StreamEvent } from './answers';
import { api, problemsOf } from './api';
import { listen } from './stream.svelte';

class Runs {
  list = $state.raw<RunList | null>(null);
  problems = $state.raw<string[]>([]);
  #timer: ReturnType<typeof setTimeout> | undefined;

  start(): void {
    listen((event) => this.#hear(event));
    void this.load();
  }

  get training(): RunEntry[] {
    return (this.list?.runs ?? []).filter((r) => r.state === 'running' || r.state === 'starting');
  }

  async load(): Promise<void> {
    try {
      this.list = await api.runs();
      this.problems = [];
    } catch (error) {
      this.problems = problemsOf(error);
    }
  }

  #hear(event: StreamEvent): void {
    if (event.kind === 'progress') this.#change(event.run, { progress: { done: event.done, total: event.total } });
    if (event.kind === 'state') this.#change(event.run, { state: event.state });
    if (event.kind === 'runs' || event.kind === 'state' || event.kind === 'reset' || event.kind === 'hello') {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => void this.load(), 150);
    }
  }

  #change(run: string, what: Partial<RunEntry>): void {
    if (!this.list) return;
    const changed = this.list.runs.map((each) => (each.run === run ? { ...each, ...what } : each));
    this.list = { ...this.list, runs: changed };
  }
}

export const runs = new Runs();
