import { describe, expect, it, vi } from 'vitest';

vi.stubGlobal('document', { baseURI: 'http://127.0.0.1/', addEventListener: () => undefined });
vi.stubGlobal('window', { location: { pathname: '/', search: '' }, addEventListener: () => undefined });
const { readOrder, roleOf, withRole, writeOrder } = await import('../src/lib/fit.svelte');

describe('the question about own data', () => {
  const order = readOrder('?data=mine.csv&target=species&leave-out=name,id');

  it('comes back from its address', () => {
    expect(readOrder(writeOrder({ ...order, group: 'animal', in_time: true, task: 'counts', budget: '2m' }))).toEqual({
      data: 'mine.csv', target: 'species', group: 'animal', in_time: true, task: 'counts', leave_out: ['name', 'id'],
      budget: '2m',
    });
  });

  it('has one target and one group', () => {
    const next = withRole(withRole(order, 'island', 'target'), 'name', 'group');
    expect([next.target, next.group, next.leave_out]).toEqual(['island', 'name', ['id']]);
    expect(['island', 'name', 'id', 'species'].map((c) => roleOf(next, c))).toEqual(['target', 'group', 'leave out', 'use']);
  });
});
