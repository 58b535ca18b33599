/** The list of labs, and what one has done with them. */

import type { LabEntry, LabList, Verdict } from './answers';
import { api, problemsOf } from './api';
import { listen } from './stream.svelte';

class Labs {
  list = $state.raw<LabList | null>(null);
  problems = $state.raw<string[]>([]);
  #listening = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  async load(): Promise<void> {
    this.#listen();
    try {
      this.list = await api.labs();
      this.problems = [];
    } catch (error) {
      this.problems = problemsOf(error);
    }
  }

  find(name: string): LabEntry | undefined {
    return this.list?.labs.find((lab) => lab.name === name);
  }

  #listen(): void {
    if (this.#listening) return;
    this.#listening = true;
    listen((event) => {
      const ends = event.kind === 'state' && event.state === 'finished';
      if (!ends && event.kind !== 'runs') return;
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => void this.load(), 300);
    });
  }
}

export const labs = new Labs();

/** A lab is lit once a whole run of it has been finished here. */
export function isLit(lab: LabEntry): boolean {
  return lab.last?.state === 'finished' && lab.last.evidence;
}

/** How many verdicts of each kind. */
export function tally(verdicts: Readonly<Record<string, Verdict | null>>): [Verdict, number][] {
  const kinds: Verdict[] = ['supported', 'refuted', 'undecided'];
  const all = Object.values(verdicts);
  return kinds
    .map((kind): [Verdict, number] => [kind, all.filter((v) => v === kind).length])
    .filter(([, n]) => n > 0);
}

export function tallyWords(verdicts: Readonly<Record<string, Verdict | null>>): string {
  return tally(verdicts)
    .map(([kind, n]) => `${n} ${kind}`)
    .join(', ');
}

/** The first lab that is not lit and whose needs all are. */
export function nextLab(all: readonly LabEntry[]): LabEntry | undefined {
  const lit = new Set(all.filter(isLit).map((lab) => lab.name));
  const known = new Set(all.map((lab) => lab.name));
  const open = all.filter((lab) => !lit.has(lab.name));
  return open.find((lab) => lab.needs.every((n) => lit.has(n) || !known.has(n))) ?? open[0];
}
