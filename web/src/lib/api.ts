/** The one door to the server: typed answers, and problems in the server's own words. */

import type * as A from './answers';

const base = new URL('.', document.baseURI);

/** What cannot be done, in words for the person. */
export class Problem extends Error {
  constructor(
    readonly problems: string[],
    readonly status: number,
  ) {
    super(problems.join('\n'));
  }
}

/** The address of something that the server has. */
export function address(path: string): string {
  return new URL(`api/${path}`, base).href;
}

const SILENT = 'The server does not answer. Is `pilotlight app` still running?';

async function ask<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const isFile = body instanceof Blob;
  const init: RequestInit = { method };
  if (signal) init.signal = signal;
  if (body !== undefined) {
    init.body = isFile ? body : JSON.stringify(body);
    if (!isFile) init.headers = { 'Content-Type': 'application/json' };
  }
  let response: Response;
  try {
    response = await fetch(address(path), init);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem([SILENT], 0);
  }
  const answer: unknown = await response.json().catch(() => null);
  if (!response.ok) throw new Problem(problemsIn(answer, response), response.status);
  return answer as T;
}

function problemsIn(answer: unknown, response: Response): string[] {
  const problems = (answer as { problems?: unknown } | null)?.problems;
  if (Array.isArray(problems)) return problems.map(String);
  return [`The server answered ${response.status} ${response.statusText}.`];
}

/** Problems of whatever was thrown, to be shown as they are. */
export function problemsOf(error: unknown): string[] {
  if (error instanceof Problem) return error.problems;
  return [error instanceof Error ? error.message : String(error)];
}

const name = encodeURIComponent;

export const api = {
  labs: () => ask<A.LabList>('GET', 'labs'),
  lab: (lab: string) => ask<A.Lab>('GET', `labs/${name(lab)}`),
  recorded: (lab: string) => ask<A.LabRun>('GET', `labs/${name(lab)}/recorded`),
  script: (lab: string, comparison: string) =>
    ask<A.Script>('GET', `labs/${name(lab)}/script${comparison && `?comparison=${name(comparison)}`}`),
  command: (order: A.RunOrder, signal?: AbortSignal) =>
    ask<A.Ordered>('POST', 'commands', order, signal),

  runs: () => ask<A.RunList>('GET', 'runs'),
  run: (run: string) => ask<A.Run>('GET', `runs/${name(run)}`),
  start: (order: A.RunOrder) => ask<{ run: string; state: A.RunState }>('POST', 'runs', order),
  change: (run: string, what: 'pause' | 'stop' | 'resume' | 'restore') =>
    ask<{ run: string; state?: A.RunState }>('POST', `runs/${name(run)}/${what}`),
  remove: (run: string) => ask<{ run: string }>('DELETE', `runs/${name(run)}`),
  probes: (run: string) => ask<A.Probes>('GET', `runs/${name(run)}/probes`),
  snapshots: (run: string, what: string) => ask<A.Snapshots>('GET', `runs/${name(run)}/snapshots?name=${name(what)}`),
  runRows: (run: string, member: number, rows: readonly number[]) =>
    ask<A.Rows>('GET', `runs/${name(run)}/rows?member=${member}&rows=${rows.join(',')}`),
  labRows: (lab: string, comparison: string, seed: number, rows: readonly number[]) =>
    ask<A.Rows>('GET', `labs/${name(lab)}/rows?comparison=${name(comparison)}&seed=${seed}&rows=${rows.join(',')}`),
  diagnosis: (run: string) =>
    ask<{ findings: A.Finding[]; rows_compared: boolean }>('GET', `runs/${name(run)}/diagnosis`),
  files: (run: string) => ask<{ files: { name: string; bytes: number }[] }>('GET', `runs/${name(run)}/files`),

  predictions: (run: string, data: string) =>
    ask<A.Predictions>('GET', `runs/${name(run)}/predictions/${name(data)}`),

  practice: () => ask<A.ExerciseList>('GET', 'practice'),
  exercise: (exercise: string) => ask<A.ExercisePage>('GET', `practice/${name(exercise)}`),
  begin: (exercise: string) =>
    ask<{ file: A.OwnFile; new: boolean }>('POST', `practice/${name(exercise)}/begin`),
  save: (exercise: string, text: string, before: string | null) =>
    ask<{ file: A.OwnFile }>('PUT', `practice/${name(exercise)}/file`, { text, base: before }),
  check: (exercise: string) => ask<A.Checked>('POST', `practice/${name(exercise)}/check`),
  watch: (exercise: string, on: boolean) =>
    ask<{ watched: string[] }>('POST', `practice/${name(exercise)}/watch`, { on }),
  hint: (exercise: string) =>
    ask<{ number: number; of: number; text: string }>('POST', `practice/${name(exercise)}/hint`),
  solution: (exercise: string) =>
    ask<{ solution: string; tries_before: number }>('POST', `practice/${name(exercise)}/solution`),

  data: () => ask<A.DataFiles>('GET', 'data'),
  upload: (file: File) => ask<{ name: string; bytes: number }>('PUT', `data/${name(file.name)}`, file),
  forget: (file: string) => ask<{ name: string }>('DELETE', `data/${name(file)}`),
  columns: (data: string) => ask<A.Columns>('GET', `data/${name(data)}/columns`),
  look: (order: A.FitOrder, signal?: AbortSignal) => ask<A.Look>('POST', 'fits/look', order, signal),
  fit: (order: A.FitOrder) => ask<{ run: string; state: A.RunState }>('POST', 'fits', order),
};
