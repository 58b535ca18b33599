/** Curves of many networks: mean and band over seeds, fewer points, one table for the chart. */

import type { Member, Numbers, Spread } from './answers';
import { count, number, words } from './format';

/** With fewer networks in any comparison, all bands go from the lowest to the highest. */
const FEWEST_FOR_BAND = 5;
const BAND: readonly [number, number] = [0.1, 0.9];

/** One network's curve. `diverged` when it ends because it diverged. */
export interface Track {
  comparison: string;
  seed: number;
  x: number[];
  y: Numbers;
  diverged: boolean;
}

export function isFiniteNumber(value: number | null | undefined): value is number {
  return value !== null && value !== undefined && Number.isFinite(value);
}

/** The quantile of sorted values, with a straight line between neighbours. */
export function quantile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const left = sorted[below] ?? NaN;
  const right = sorted[Math.min(below + 1, sorted.length - 1)] ?? NaN;
  const part = at - below;
  // From the nearer end, as numpy does: so the last digit is the report's, too.
  return part < 0.5 ? left + (right - left) * part : right - (right - left) * (1 - part);
}

function pointsOf(member: Member, metric: string, axis: string): Map<number, number> {
  const found = new Map<number, number>();
  const along = member.curves[axis];
  (member.curves[metric] ?? []).forEach((value, i) => {
    const at = along ? along[i] : i + 1;
    if (isFiniteNumber(at) && isFiniteNumber(value)) found.set(at, value);
  });
  return found;
}

/** A network that stopped early keeps its restored best weights, so it keeps their value. */
function holdAfterStop(member: Member, points: Map<number, number>, metric: string, x: number[]): void {
  if (member.stopped_at === null || points.size === 0) return;
  const end = Math.max(...points.keys());
  const final = member.final[metric];
  const held = isFiniteNumber(final) ? final : points.get(end);
  if (held !== undefined) for (const at of x) if (at > end) points.set(at, held);
}

/** Mean and band of a metric for each comparison, as the report draws them. */
export function spreads(
  members: readonly Member[],
  metric: string,
  axis: string,
): Record<string, Spread> {
  const groups = new Map<string, Member[]>();
  for (const member of members) {
    if (!(metric in member.curves)) continue;
    groups.set(member.comparison, [...(groups.get(member.comparison) ?? []), member]);
  }
  const sizes = [...groups.values()].map((g) => g.filter((m) => m.diverged_at === null).length);
  const fewest = Math.min(...sizes.filter(Boolean), Infinity);
  const edges = fewest !== Infinity && fewest >= FEWEST_FOR_BAND ? BAND : ([0, 1] as const);
  const found: Record<string, Spread> = {};
  for (const [name, group] of groups) found[name] = spread(group, metric, axis, edges);
  return found;
}

function spread(
  group: Member[],
  metric: string,
  axis: string,
  edges: readonly [number, number],
): Spread {
  const whole = group.filter((m) => m.diverged_at === null);
  const points = whole.map((m) => pointsOf(m, metric, axis));
  const x = [...new Set(points.flatMap((p) => [...p.keys()]))].sort((a, b) => a - b);
  whole.forEach((m, i) => holdAfterStop(m, points[i]!, metric, x));
  const mean: number[] = [];
  const low: number[] = [];
  const high: number[] = [];
  for (const at of x) {
    const values = points.flatMap((p) => p.get(at) ?? []).sort((a, b) => a - b);
    mean.push(values.reduce((sum, v) => sum + v, 0) / values.length);
    low.push(quantile(values, edges[0]));
    high.push(quantile(values, edges[1]));
  }
  return { x, mean, low, high, networks: group.length, counted: whole.length };
}

export function tracks(members: readonly Member[], metric: string, axis: string): Track[] {
  return members.map((member) => {
    const points = [...pointsOf(member, metric, axis)].sort(([a], [b]) => a - b);
    return {
      comparison: member.comparison,
      seed: member.seed,
      x: points.map(([at]) => at),
      y: points.map(([, value]) => value),
      diverged: member.diverged_at !== null,
    };
  });
}

/** At most `most` places of `length`, evenly, the first and the last among them. */
export function thinned(length: number, most: number): number[] {
  if (length <= most) return Array.from({ length }, (_, i) => i);
  const step = (length - 1) / (most - 1);
  return Array.from({ length: most }, (_, i) => Math.round(i * step));
}

/** The same spread with at most `most` points. */
export function thin(whole: Spread, most: number): Spread {
  const kept = thinned(whole.x.length, most);
  const pick = (values: Numbers): (number | null)[] => kept.map((i) => values[i] ?? null);
  return {
    ...whole,
    x: kept.map((i) => whole.x[i]!),
    mean: pick(whole.mean),
    low: pick(whole.low),
    high: pick(whole.high),
  };
}

/** The value at the last place that is not beyond `at`; without `at`, the last of all. */
export function valueAt(of: Spread, at: number | null): { mean: number; low: number; high: number } | null {
  let i = of.x.length - 1;
  if (at !== null) while (i >= 0 && of.x[i]! > at) i -= 1;
  const [mean, low, high] = [of.mean[i], of.low[i], of.high[i]];
  if (!isFiniteNumber(mean)) return null;
  return { mean, low: low ?? mean, high: high ?? mean };
}

/** What a chart shows, in words. */
export function summary(metric: string, axis: string, found: Record<string, Spread>): string {
  const told = Object.entries(found).map(([name, each]) => {
    const last = valueAt(each, null);
    const end = last
      ? `${number(last.mean)} (${number(last.low)} to ${number(last.high)})`
      : 'no finite value';
    const gone = each.networks - each.counted;
    return `${words(name)}: ${end}, ${count(each.networks, 'network')}${gone ? `, ${gone} diverged` : ''}`;
  });
  const ends = Object.values(found).map((each) => each.x.at(-1) ?? 0);
  const last = Math.max(0, ...ends);
  return `${words(metric)} along ${axis}s, to ${axis} ${number(last)}. Last values, mean and band: ${told.join('; ')}.`;
}
