/** Where each lab lies on the map: a lane for each area, further right the more it builds on. */

export interface Placeable {
  readonly name: string;
  readonly area: string;
  readonly needs: readonly string[];
}

export interface Place {
  name: string;
  /** Counted from 0: column, and row over all lanes. */
  column: number;
  row: number;
}

export interface Lane {
  area: string;
  row: number;
  rows: number;
}

export interface Layout {
  places: Map<string, Place>;
  lanes: Lane[];
  columns: number;
  rows: number;
}

/** How long the longest chain of needs below each lab is; a circle of needs ends the chain. */
export function depths(labs: readonly Placeable[]): Map<string, number> {
  const byName = new Map(labs.map((lab) => [lab.name, lab]));
  const known = new Map<string, number>();
  const depth = (name: string, above: readonly string[]): number => {
    const found = known.get(name);
    if (found !== undefined) return found;
    const below = (byName.get(name)?.needs ?? []).filter((n) => byName.has(n) && !above.includes(n));
    const value = Math.max(0, ...below.map((n) => 1 + depth(n, [...above, name])));
    known.set(name, value);
    return value;
  };
  for (const lab of labs) depth(lab.name, []);
  return known;
}

export function layout(labs: readonly Placeable[], areas: readonly string[]): Layout {
  const column = depths(labs);
  const places = new Map<string, Place>();
  const lanes: Lane[] = [];
  let row = 0;
  const all = [...areas, ...labs.map((lab) => lab.area)];
  for (const area of new Set(all)) {
    const own = labs.filter((lab) => lab.area === area);
    if (own.length === 0) continue;
    const filled = new Map<number, number>();
    for (const lab of own.sort((a, b) => nearness(a, places) - nearness(b, places))) {
      const at = column.get(lab.name) ?? 0;
      const within = filled.get(at) ?? 0;
      filled.set(at, within + 1);
      places.set(lab.name, { name: lab.name, column: at, row: row + within });
    }
    const rows = Math.max(...filled.values());
    lanes.push({ area, row, rows });
    row += rows;
  }
  return { places, lanes, columns: 1 + Math.max(-1, ...column.values()), rows: row };
}

/** The mean row of what a lab needs, so that lines cross less. */
function nearness(lab: Placeable, places: ReadonlyMap<string, Place>): number {
  const rows = lab.needs.flatMap((name) => places.get(name)?.row ?? []);
  return rows.length > 0 ? rows.reduce((sum, r) => sum + r, 0) / rows.length : 0;
}

export type Direction = 'left' | 'right' | 'up' | 'down';

/** The nearest place in a direction; sideways steps count double. */
export function neighbour(places: Iterable<Place>, from: Place, direction: Direction): Place | null {
  let best: Place | null = null;
  let least = Infinity;
  for (const place of places) {
    const [across, down] = [place.column - from.column, place.row - from.row];
    const along = { left: -across, right: across, up: -down, down }[direction];
    const beside = direction === 'left' || direction === 'right' ? Math.abs(down) : Math.abs(across);
    if (along <= 0) continue;
    const far = along + 2 * beside;
    if (far < least) [best, least] = [place, far];
  }
  return best;
}

/** All that a lab builds on, or all that builds on it. */
export function reached(start: string, next: (name: string) => readonly string[]): Set<string> {
  const found = new Set<string>();
  const waiting = [...next(start)];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (found.has(name)) continue;
    found.add(name);
    waiting.push(...next(name));
  }
  return found;
}
