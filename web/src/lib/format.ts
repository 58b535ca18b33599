/** Numbers and times in words, as the command line says them. */

const MINUS = '\u2212';

/** Three significant digits, or whole: 0.946, 1,024, 3.2e−9. */
export function number(x: number | null | undefined): string {
  if (x === null || x === undefined || !Number.isFinite(x)) return 'not finite';
  if (Number.isInteger(x) && Math.abs(x) < 1e9) return minus(x.toLocaleString('en-US'));
  const size = Math.abs(x);
  if (size >= 999.5 && size < 1e9) return minus(Math.round(x).toLocaleString('en-US'));
  if (size < 1e-4 || size >= 1e9) {
    const [digits = '', exponent = ''] = x.toExponential(2).split('e');
    return minus(`${trimmed(digits)}e${exponent.replace('+', '')}`);
  }
  return minus(trimmed(x.toPrecision(3)));
}

/** Numbers that are read together, with the same decimals: two digits of their range. */
export function alike(values: readonly number[]): string[] {
  const range = Math.max(...values) - Math.min(...values);
  const decimals = range > 0 ? 1 - Math.floor(Math.log10(range)) : NaN;
  if (!Number.isFinite(decimals) || decimals > 5) return values.map(number);
  return values.map((value) => {
    const digits = Math.max(decimals, 0);
    const text = value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
    return minus(text.replace(/^-(?=[0.,]*$)/, ''));
  });
}

function trimmed(digits: string): string {
  return digits.includes('.') ? digits.replace(/\.?0+$/, '') : digits;
}

/** The typographic minus sign. */
export function minus(text: string): string {
  return text.replace(/(?<![\w.,-])-(?=[\d.])|(?<=e)-/g, MINUS);
}

/** Any value of a setting, as it is said. */
export function said(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'number') return number(value);
  if (value === null || value === undefined) return 'not set';
  return String(value);
}

/** `1 seed`, `12 seeds`. */
export function count(n: number, thing: string): string {
  return `${n.toLocaleString('en-US')} ${thing}${n === 1 ? '' : 's'}`;
}

/** A time as people say it: 8 s, 2 min, 3.5 h. */
export function seconds(x: number): string {
  if (x < 0.95) return 'less than a second';
  if (x < 90) return count(Math.round(x), 'second');
  if (x < 5400) return count(Math.round(x / 60), 'minute');
  return `${trimmed((x / 3600).toFixed(1))} hours`;
}

/** What a command sets, in words: `seeds 2, rate = 0.1`. */
export function settingsOf(command: string): string {
  const [, , , ...rest] = command.split(' ');
  const said = rest.join(' ').replace(/^--(set )?/, '').replace(/ --(set )?/g, ', ');
  return said.replaceAll('=', ' = ').replaceAll('_', ' ');
}

/** How long ago, roughly. */
export function ago(iso: string, now = Date.now()): string {
  const passed = (now - Date.parse(iso)) / 1000;
  if (!Number.isFinite(passed)) return '';
  if (passed < 60) return 'just now';
  if (passed < 3600) return `${count(Math.round(passed / 60), 'minute')} ago`;
  if (passed < 86_400) return `${count(Math.round(passed / 3600), 'hour')} ago`;
  return `${count(Math.round(passed / 86_400), 'day')} ago`;
}

/** `1.2 MB`. */
export function bytes(n: number): string {
  const units = ['bytes', 'KB', 'MB', 'GB'];
  let size = n;
  let unit = 0;
  for (; size >= 1000 && unit < units.length - 1; unit += 1) size /= 1000;
  return `${unit === 0 ? size : trimmed(size.toPrecision(3))} ${units[unit]}`;
}

/** `test_accuracy` as `test accuracy`, `elastic-weights` as `elastic weights`. */
export function words(name: string): string {
  return name.replace(/[_-]+/g, ' ');
}

/** Names that are not written as other words are. */
const SPELLED: Readonly<Record<string, string>> = {
  ddpg: 'DDPG', dqn: 'DQN', ewc: 'EWC', gan: 'GAN', gru: 'GRU', l1: 'L1', l2: 'L2', lstm: 'LSTM',
  maml: 'MAML', mlp: 'MLP', ppo: 'PPO', q: 'Q', rmsprop: 'RMSprop', rnn: 'RNN', sgd: 'SGD',
  si: 'SI', td3: 'TD3', vae: 'VAE',
};

/** The name of a lab or an exercise as a title: `dqn` as `DQN`, `elastic-weights` as `Elastic weights`. */
export function title(name: string): string {
  const spelled = words(name).split(' ').map((word) => SPELLED[word] ?? word);
  return capital(spelled.join(' '));
}

/** The same within a sentence. */
export function named(name: string): string {
  return words(name).split(' ').map((word) => SPELLED[word] ?? word).join(' ');
}

/** The first letter large. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** `a`, `a and b`, `a, b and c`. */
export function listed(items: readonly string[]): string {
  if (items.length < 2) return items.join('');
  return `${items.slice(0, -1).join(', ')} and ${items[items.length - 1]}`;
}
