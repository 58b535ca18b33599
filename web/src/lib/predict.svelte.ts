/** New rows in front of a finished fit: which file, and what the networks say of it. */

import type { DataFiles, Predictions } from './answers';
import { address, api, problemsOf } from './api';
import { go, route } from './router.svelte';

export class PredictModel {
  files = $state.raw<DataFiles | null>(null);
  predictions = $state.raw<Predictions | null>(null);
  problems = $state.raw<string[]>([]);
  busy = $state<'' | 'sending' | 'predicting'>('');

  /** The file, as it stands in the address. */
  readonly data: string = $derived(new URLSearchParams(route.query).get('predict') ?? '');

  constructor(readonly run: string) {
    this.#load().catch((error: unknown) => (this.problems = problemsOf(error)));
  }

  /** Where all predictions can be taken from. */
  get file(): string {
    const [run, data] = [this.run, this.data].map(encodeURIComponent);
    return address(`runs/${run}/predictions/${data}/file`);
  }

  async send(file: File): Promise<void> {
    await this.#try('sending', async () => {
      const { name } = await api.upload(file);
      await this.#load();
      this.choose(name);
    });
  }

  choose(data: string): void {
    go(`runs/${encodeURIComponent(this.run)}?predict=${encodeURIComponent(data)}`, { replace: true });
  }

  /** Ask for the predictions of the file that the address names. */
  async predict(data: string): Promise<void> {
    this.predictions = null;
    if (!data) return;
    await this.#try('predicting', async () => {
      const found = await api.predictions(this.run, data);
      if (this.data === data) this.predictions = found;
    });
  }

  async #load(): Promise<void> {
    this.files = await api.data();
  }

  async #try(busy: PredictModel['busy'], what: () => Promise<void>): Promise<void> {
    this.busy = busy;
    this.problems = [];
    try {
      await what();
    } catch (error) {
      this.problems = problemsOf(error);
    } finally {
      if (this.busy === busy) this.busy = ''; // else the next thing is under way already
    }
  }
}

export interface PredictedColumn {
  name: string;
  /** Whether it holds the probability of a class. */
  chance: boolean;
}

const CHANCE = 'probability_';

/** Columns of predictions, as a person reads their names. */
export function predictedColumns(header: readonly string[]): PredictedColumn[] {
  return header.map((name) => {
    const chance = name.startsWith(CHANCE);
    if (chance) return { name: name.slice(CHANCE.length), chance };
    return { name: name.replaceAll('_', ' ').replace(/\b95\b/, '95 %'), chance };
  });
}
