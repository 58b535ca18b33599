/** What was kept along the way: in words, and as numbers. How it looks is in `paint.ts`. */

import { count, number } from './format';
import type { Confusion, Drawing, Path, Surface } from './types';

/** The cells of a surface, from the lowest y on: the winning class and its chance. */
export function cellsOf({ cells, classes }: Surface): { winner: number; chance: number }[] {
  const levels = Math.floor(256 / classes);
  return [...atob(cells)].map((letter) => {
    const byte = letter.charCodeAt(0);
    const share = (byte % levels) / (levels - 1);
    return { winner: Math.floor(byte / levels), chance: 1 / classes + (1 - 1 / classes) * share };
  });
}

/** How much of a surface each class wins, and its mean chance there. */
export function sharesOf(surface: Surface): { share: number; chance: number }[] {
  const cells = cellsOf(surface);
  return Array.from({ length: surface.classes }, (_, k) => {
    const won = cells.filter((cell) => cell.winner === k);
    const sum = won.reduce((total, cell) => total + cell.chance, 0);
    return { share: won.length / cells.length, chance: won.length > 0 ? sum / won.length : NaN };
  });
}

export function rightOf({ counts }: Confusion): { right: number; all: number } {
  return {
    right: counts.reduce((sum, row, k) => sum + (row[k] ?? 0), 0),
    all: counts.flat().reduce((sum, value) => sum + value, 0),
  };
}

/** The cell of the mistake that is made most often. */
export function worstOf({ counts }: Confusion): { is: number; taken: number; times: number } | null {
  const wrong = counts.flatMap((row, is) => row.flatMap((times, taken) => (is === taken ? [] : [{ is, taken, times }])));
  const worst = wrong.reduce((most, each) => (each.times > most.times ? each : most), { is: 0, taken: 0, times: 0 });
  return worst.times > 0 ? worst : null;
}

/** The numbers of the rows that a table keeps for one of its cells. */
export function samplesOf({ samples }: Confusion, is: number, taken: number): readonly number[] {
  return samples.find(([a, b]) => a === is && b === taken)?.[2] ?? [];
}

export function percent(share: number): string {
  return Number.isFinite(share) ? `${Math.round(100 * share)} %` : '';
}

/** Places in a path at which time goes on: a short episode is told with some moments twice. */
export function momentsOf({ steps }: Path): number[] {
  return steps.flatMap((step, i) => (i === 0 || step !== steps[i - 1] ? [i] : []));
}

/** The moment of a path at so many steps, or its end. */
export function momentAt({ steps }: Path, time: number): number {
  return Math.max(0, steps.findLastIndex((step) => step <= time));
}

/** What is done at a moment, in words. */
export function doneAt({ scene, actions, steps }: Path, at: number): string {
  const action = scene.does[actions[at] ?? -1];
  return `step ${steps[at] ?? 0}: ${action ?? 'the end'}`;
}

/** One sentence on what can be seen. */
export function summary(drawing: Drawing): string {
  switch (drawing.kind) {
    case 'confusion': {
      const { right, all } = rightOf(drawing);
      const worst = worstOf(drawing);
      const most = worst && `; most often ${worst.is} is taken for ${worst.taken}, ${count(worst.times, 'time')}`;
      return `${right} of ${count(all, 'held-out row')} right${most ?? ''}.`;
    }
    case 'surface':
      return `${sharesOf(drawing).map(({ share }, k) => `class ${k} wins at ${percent(share)}`).join(', ')} of the places.`;
    case 'curve':
      return `From ${ends(drawing.y)} where the input goes from ${ends(drawing.x)}.`;
    case 'points':
      return `${count(drawing.points.length, 'point')}: ${ends(drawing.points.map(([x]) => x))} across, ${ends(drawing.points.map(([, y]) => y))} upwards.`;
    case 'grid': {
      const [first] = drawing.grids;
      const size = `${first?.length ?? 0} by ${first?.[0]?.length ?? 0}`;
      return `${count(drawing.grids.length, 'table')} of ${size}, ${ends(drawing.grids.flat(2))}.`;
    }
    case 'path':
      return `An episode of ${count(drawing.steps.at(-1) ?? 0, 'step')} in ${drawing.scene.world}.`;
  }
}

function ends(values: readonly number[]): string {
  const known = values.filter(Number.isFinite);
  return known.length > 0 ? `${number(Math.min(...known))} to ${number(Math.max(...known))}` : 'nothing finite';
}

export interface Numbered {
  head: string[];
  rows: (string | number)[][];
}

const MOST_ROWS = 40;

/** The same as a table; of much of it, every few rows. */
export function tableOf(drawing: Drawing): Numbered {
  const { head, rows } = whole(drawing);
  const every = Math.ceil(rows.length / MOST_ROWS);
  return { head, rows: rows.filter((_, i) => i % every === 0) };
}

function whole(drawing: Drawing): Numbered {
  switch (drawing.kind) {
    case 'confusion':
      return {
        head: ['class', ...drawing.counts.map((_, k) => `taken for ${k}`)],
        rows: drawing.counts.map((row, k) => [k, ...row]),
      };
    case 'surface':
      return {
        head: ['class', 'share of the places', 'mean chance there'],
        rows: sharesOf(drawing).map(({ share, chance }, k) => [k, percent(share), percent(chance)]),
      };
    case 'curve':
      return { head: ['input', 'said'], rows: drawing.x.map((x, i) => [number(x), number(drawing.y[i])]) };
    case 'points':
      return { head: ['across', 'upwards'], rows: drawing.points.map((point) => point.map(number)) };
    case 'grid':
      return {
        head: ['table', 'row', ...(drawing.grids[0]?.[0] ?? []).map((_, i) => `${i + 1}`)],
        rows: drawing.grids.flatMap((grid, g) => grid.map((row, r) => [g + 1, r + 1, ...row.map(number)])),
      };
    case 'path':
      return {
        head: ['step', ...drawing.scene.sees, 'then'],
        rows: momentsOf(drawing).map((i) => [
          drawing.steps[i] ?? 0,
          ...(drawing.seen[i] ?? []).map(number),
          drawing.scene.does[drawing.actions[i] ?? -1] ?? '',
        ]),
      };
  }
}
