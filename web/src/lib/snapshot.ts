/** What a snapshot's values can be drawn as. */

export type Drawable =
  | { kind: 'points'; points: [number, number][] }
  | { kind: 'grid'; rows: number[][] };

function isRow(value: unknown): value is number[] {
  return Array.isArray(value) && value.length > 0 && value.every((v) => typeof v === 'number');
}

/** Pairs are points of a plane, a longer table is a grid; anything else cannot be drawn here. */
export function kindOf(value: unknown): Drawable | null {
  if (isRow(value)) return { kind: 'grid', rows: [value] };
  if (!Array.isArray(value) || value.length === 0) return null;
  if (value.every(isRow)) {
    const rows = value as number[][];
    if (rows.every((row) => row.length === 2) && rows.length > 4) {
      return { kind: 'points', points: rows as [number, number][] };
    }
    return { kind: 'grid', rows };
  }
  return value.length === 1 ? kindOf(value[0]) : null;
}

/** How far points reach from the middle; the farthest one in a hundred may lie outside. */
export function reachOf(all: readonly (Drawable | null)[]): number {
  const sizes = all.flatMap((each) => (each?.kind === 'points' ? each.points.flat().map(Math.abs) : []));
  sizes.sort((a, b) => a - b);
  return (sizes[Math.floor(0.99 * (sizes.length - 1))] || 1) * 1.15;
}
