import { describe, expect, it } from 'vitest';
import { depths, layout, neighbour, reached } from '../src/lib/layout';

const labs = [
  { name: 'adam', area: 'foundations', needs: ['momentum', 'rmsprop'] },
  { name: 'backprop', area: 'foundations', needs: [] },
  { name: 'momentum', area: 'foundations', needs: ['backprop'] },
  { name: 'rmsprop', area: 'foundations', needs: ['backprop'] },
  { name: 'gan', area: 'generative', needs: ['adam', 'not-there'] },
];

describe('the map', () => {
  it('puts a lab to the right of all it needs', () => {
    const found = layout(labs, ['generative', 'foundations']);
    for (const lab of labs) {
      for (const need of lab.needs.filter((n) => found.places.has(n))) {
        expect(found.places.get(lab.name)!.column).toBeGreaterThan(found.places.get(need)!.column);
      }
    }
  });

  it('gives each lab a place of its own, in the lane of its area', () => {
    const found = layout(labs, ['generative', 'foundations']);
    const taken = [...found.places.values()].map((p) => `${p.column} ${p.row}`);
    expect(new Set(taken).size).toBe(labs.length);
    expect(found.lanes.map((lane) => [lane.area, lane.row, lane.rows])).toEqual([['generative', 0, 1], ['foundations', 1, 2]]);
  });

  it('bears a circle of needs', () => {
    const circle = [{ name: 'a', area: 'x', needs: ['b'] }, { name: 'b', area: 'x', needs: ['a'] }];
    expect(depths(circle).size).toBe(2);
  });

  it('knows what lies next to a node', () => {
    const { places } = layout(labs, ['foundations', 'generative']);
    const at = places.get('momentum')!;
    expect(neighbour(places.values(), at, 'left')?.name).toBe('backprop');
    expect(neighbour(places.values(), at, 'down')?.name).toBe('rmsprop');
    expect(neighbour(places.values(), places.get('backprop')!, 'left')).toBeNull();
  });

  it('finds all that a lab builds on', () => {
    const needs = (name: string): string[] => labs.find((lab) => lab.name === name)?.needs ?? [];
    expect(reached('gan', needs)).toEqual(new Set(['adam', 'not-there', 'momentum', 'rmsprop', 'backprop']));
  });
});
