/** An exercise in hand: the file as it stands here and on disk, and what the checks say. */

import type { Checked, ExercisePage, StreamEvent } from './answers';
import { api, Problem, problemsOf } from './api';
import { listen } from './stream.svelte';
import { complain } from './toasts.svelte';

export class ExerciseModel {
  page = $state.raw<ExercisePage | null>(null);
  problems = $state.raw<string[]>([]);
  text = $state('');
  checked = $state.raw<Checked | null>(null);
  checking = $state(false);
  changedElsewhere = $state(false);
  hints = $state.raw<string[]>([]);
  solution = $state<string | null>(null);
  /** Grows when the file is read afresh: the editor then starts over. */
  loaded = $state(0);

  #saved = $state('');
  #base: string | null = null;
  #end: () => void;

  constructor(readonly name: string) {
    this.#end = listen((event) => this.#hear(event));
    void this.load();
  }

  get dirty(): boolean {
    return this.text !== this.#saved;
  }

  async load(): Promise<void> {
    try {
      const page = await api.exercise(this.name);
      this.page = page;
      this.hints = page.hints_shown;
      this.solution = page.solution;
      if (page.file) {
        this.#take(page.file.text, page.file.base);
        await api.watch(this.name, true);
      }
    } catch (error) {
      this.problems = problemsOf(error);
    }
  }

  #take(text: string, base: string): void {
    this.text = text;
    this.#saved = text;
    this.#base = base;
    this.changedElsewhere = false;
    this.loaded += 1;
  }

  #hear(event: StreamEvent): void {
    if (!('exercise' in event) || event.exercise !== this.name) return;
    if (event.kind === 'checking') this.checking = true;
    else {
      this.#answered(event.checked);
      if (event.checked.base !== undefined && event.checked.base !== this.#base) void this.#reread();
    }
  }

  /** The file was saved elsewhere: take it, unless something was written here as well. */
  async #reread(): Promise<void> {
    const { file } = await api.exercise(this.name);
    if (!file || file.base === this.#base) return;
    if (this.dirty) this.changedElsewhere = true;
    else this.#take(file.text, file.base);
  }

  #answered(checked: Checked): void {
    this.checked = checked;
    this.checking = false;
  }

  type(text: string): void {
    this.text = text;
  }

  async begin(): Promise<void> {
    await this.#try(async () => {
      await api.begin(this.name);
      await this.load();
    });
  }

  async save(): Promise<void> {
    const text = this.text;
    const { file } = await api.save(this.name, text, this.#base);
    this.#saved = text;
    this.#base = file.base;
  }

  async check(): Promise<void> {
    if (this.checking) return;
    this.checking = true;
    await this.#try(async () => {
      if (this.dirty) await this.save();
      this.#answered(await api.check(this.name));
    });
    this.checking = false;
  }

  takeTheirs(): void {
    void this.load();
  }

  async keepMine(): Promise<void> {
    await this.#try(async () => {
      this.#base = null;
      await this.save();
      this.changedElsewhere = false;
    });
  }

  async hint(): Promise<void> {
    await this.#try(async () => {
      const { text } = await api.hint(this.name);
      if (!this.hints.includes(text)) this.hints = [...this.hints, text];
    });
  }

  async showSolution(): Promise<void> {
    await this.#try(async () => {
      this.solution = (await api.solution(this.name)).solution;
    });
  }

  async #try(what: () => Promise<void>): Promise<void> {
    try {
      await what();
    } catch (error) {
      if (error instanceof Problem && error.status === 409) this.changedElsewhere = true;
      else complain(problemsOf(error));
    }
  }

  leave(): void {
    this.#end();
  }
}
