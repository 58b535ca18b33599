import { describe, expect, it } from 'vitest';
import { cellsOf, doneAt, momentAt, momentsOf, rightOf, samplesOf, sharesOf, summary, tableOf, worstOf } from '../src/lib/drawing';
import type { Confusion, Drawing, Path, Surface } from '../src/lib/types';

const confusion: Confusion = {
  kind: 'confusion',
  counts: [[5, 1, 0], [0, 4, 2], [0, 0, 6]],
  samples: [[0, 0, [7, 8]], [1, 2, [3, 9]]],
};
const bytes = (...values: number[]): string => btoa(String.fromCharCode(...values));
const surface: Surface = { kind: 'surface', x: [0, 1], y: [2, 3], side: 2, classes: 2, cells: bytes(0, 127, 128, 255) };
const path: Path = {
  kind: 'path',
  scene: { world: 'nowhere', sees: ['height'], does: ['up', 'down'] },
  seen: [[0], [0], [1], [2]],
  actions: [0, 0, 1, -1],
  steps: [0, 0, 1, 4],
};

describe('a confusion table', () => {
  it('is summed up by what is right and the mistake made most often', () => {
    expect(rightOf(confusion)).toEqual({ right: 15, all: 18 });
    expect(worstOf(confusion)).toEqual({ is: 1, taken: 2, times: 2 });
    expect(summary(confusion)).toBe('15 of 18 held-out rows right; most often 1 is taken for 2, 2 times.');
  });

  it('without a mistake says only what is right', () => {
    expect(summary({ ...confusion, counts: [[1, 0], [0, 2]] })).toBe('3 of 3 held-out rows right.');
  });

  it('knows some rows of a cell', () => {
    expect(samplesOf(confusion, 1, 2)).toEqual([3, 9]);
    expect(samplesOf(confusion, 0, 1)).toEqual([]);
  });
});

describe('a surface', () => {
  it('holds the winning class and its chance in a byte', () => {
    expect(cellsOf(surface)).toEqual([
      { winner: 0, chance: 0.5 },
      { winner: 0, chance: 1 },
      { winner: 1, chance: 0.5 },
      { winner: 1, chance: 1 },
    ]);
    const three = cellsOf({ ...surface, classes: 3, cells: bytes(84, 85, 254) });
    expect(three.map(({ winner }) => winner)).toEqual([0, 1, 2]);
    expect(three.map(({ chance }) => chance)).toEqual([1, 1 / 3, 1]);
  });

  it('is summed up by the share of each class', () => {
    expect(sharesOf({ ...surface, cells: bytes(0, 0, 0, 255) })).toEqual([
      { share: 0.75, chance: 0.5 },
      { share: 0.25, chance: 1 },
    ]);
    expect(summary(surface)).toBe('class 0 wins at 50 %, class 1 wins at 50 % of the places.');
  });
});

describe('a path', () => {
  it('shows a network whose episode is over at its end', () => {
    expect([0, 0.5, 1, 3, 4, 200].map((time) => momentAt(path, time))).toEqual([1, 1, 2, 2, 3, 3]);
    expect(doneAt(path, 2)).toBe('step 1: down');
    expect(doneAt(path, 3)).toBe('step 4: the end');
  });

  it('tells each moment once', () => {
    expect(momentsOf(path)).toEqual([0, 2, 3]);
    expect(tableOf(path)).toEqual({
      head: ['step', 'height', 'then'],
      rows: [[0, '0', 'up'], [1, '1', 'down'], [4, '2', '']],
    });
  });
});

describe('every kind', () => {
  const all: Drawing[] = [
    confusion,
    surface,
    path,
    { kind: 'points', points: [[0, 1], [2, 3]] },
    { kind: 'grid', grids: [[[1, 2, 3]]] },
    { kind: 'curve', x: [0, 1], y: [5, 6] },
  ];

  it.each(all)('$kind has words and a table whose rows are as long as its head', (drawing) => {
    expect(summary(drawing)).toMatch(/^[\w].*\.$/);
    const { head, rows } = tableOf(drawing);
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) expect(row).toHaveLength(head.length);
  });

  it('has few rows in a table', () => {
    const long: Drawing = { kind: 'points', points: Array.from({ length: 500 }, (_, i) => [i, -i]) };
    expect(tableOf(long).rows.length).toBeLessThanOrEqual(40);
  });
});
