/** The state of a lab's page in its address: `/lab/momentum?rate=0.1&seeds=12`. */

export type Value = number | boolean | string;

export interface Declared {
  readonly default: Value;
  readonly scale: string;
}

export interface LabState {
  /** Settings that differ from the lab's own. */
  changes: Record<string, Value>;
  seeds: number | null;
  quick: boolean;
  /** Comparisons to run; empty for all. */
  compare: string[];
  /** The run that is shown; empty for the recorded one. */
  run: string;
}

export const NOTHING: LabState = { changes: {}, seeds: null, quick: false, compare: [], run: '' };

/** What an address says; what it names that the lab does not have is left out. */
export function readState(
  query: string,
  settings: Readonly<Record<string, Declared>>,
): LabState {
  const found = new URLSearchParams(query);
  const state: LabState = { ...NOTHING, changes: {}, compare: [] };
  for (const [name, text] of found) {
    const declared = settings[name];
    if (declared) {
      const value = parsed(text, declared);
      if (value !== null && value !== declared.default) state.changes[name] = value;
    }
  }
  const seeds = Number(found.get('seeds'));
  if (!('seeds' in settings) && Number.isInteger(seeds) && seeds > 0) state.seeds = seeds;
  state.quick = found.get('quick') === '1';
  state.compare = (found.get('compare') ?? '').split(',').filter(Boolean);
  state.run = found.get('run') ?? '';
  return state;
}

function parsed(text: string, declared: Declared): Value | null {
  if (declared.scale === 'switch') return text === 'true' || text === '1';
  if (declared.scale === 'choice') return text;
  const value = Number(text);
  return text.trim() !== '' && Number.isFinite(value) ? value : null;
}

/** The address of a state: only what differs from the lab's own, so that links stay short. */
export function writeState(state: LabState): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(state.changes)) query.set(name, String(value));
  if (state.seeds !== null) query.set('seeds', String(state.seeds));
  if (state.quick) query.set('quick', '1');
  if (state.compare.length > 0) query.set('compare', state.compare.join(','));
  if (state.run) query.set('run', state.run);
  const text = query.toString().replaceAll('%2C', ',');
  return text ? `?${text}` : '';
}
