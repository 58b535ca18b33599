/** A fit being asked for: the data, what each column is for, and what the server says of it. */

import type { Columns, DataFiles, FitOrder, Look } from './answers';
import { api, problemsOf } from './api';
import { go, route } from './router.svelte';
import { complain } from './toasts.svelte';

export type Role = 'use' | 'target' | 'group' | 'leave out';
const PAUSE = 300;

/** The question as it stands in the address. */
export function readOrder(query: string): FitOrder {
  const found = new URLSearchParams(query);
  return {
    data: found.get('data') ?? '',
    target: found.get('target') ?? '',
    group: found.get('group'),
    in_time: found.get('in-time') === '1',
    task: found.get('task'),
    leave_out: (found.get('leave-out') ?? '').split(',').filter(Boolean),
    budget: found.get('budget'),
  };
}

export function writeOrder(order: FitOrder): string {
  const query = new URLSearchParams();
  if (order.data) query.set('data', order.data);
  if (order.target) query.set('target', order.target);
  if (order.group) query.set('group', order.group);
  if (order.in_time) query.set('in-time', '1');
  if (order.task) query.set('task', order.task);
  if (order.leave_out.length > 0) query.set('leave-out', order.leave_out.join(','));
  if (order.budget) query.set('budget', order.budget);
  const text = query.toString();
  return text && `?${text}`;
}

/** The same question with another role for a column; there is one target and one group. */
export function withRole(order: FitOrder, column: string, role: Role): FitOrder {
  return {
    ...order,
    target: role === 'target' ? column : order.target === column ? '' : order.target,
    group: role === 'group' ? column : order.group === column ? null : order.group,
    leave_out: [...order.leave_out.filter((c) => c !== column), ...(role === 'leave out' ? [column] : [])],
  };
}

export function roleOf(order: FitOrder, column: string): Role {
  if (order.target === column) return 'target';
  if (order.group === column) return 'group';
  return order.leave_out.includes(column) ? 'leave out' : 'use';
}

export class FitModel {
  files = $state.raw<DataFiles | null>(null);
  columns = $state.raw<Columns | null>(null);
  look = $state.raw<Look | null>(null);
  problems = $state.raw<string[]>([]);
  refused = $state.raw<string[]>([]);
  busy = $state<'' | 'sending' | 'reading' | 'looking' | 'starting'>('');

  #timer: ReturnType<typeof setTimeout> | undefined;
  #asking: AbortController | null = null;

  readonly order: FitOrder = $derived(readOrder(route.query));

  async load(): Promise<void> {
    await this.#try('', async () => {
      this.files = await api.data();
    });
  }

  async send(file: File): Promise<void> {
    await this.#try('sending', async () => {
      const { name } = await api.upload(file);
      await this.load();
      this.choose(name);
    });
  }

  async forget(file: string): Promise<void> {
    await this.#try('', async () => {
      await api.forget(file);
      if (this.order.data === file) this.choose('');
      await this.load();
    });
  }

  choose(data: string): void {
    go(`data${writeOrder({ ...this.order, data, target: '', group: null, leave_out: [], task: null })}`);
  }

  give(column: string, role: Role): void {
    this.change(withRole(this.order, column, role));
  }

  change(what: Partial<FitOrder>): void {
    go(`data${writeOrder({ ...this.order, ...what })}`, { replace: true });
  }

  async read(data: string): Promise<void> {
    this.columns = null;
    this.look = null;
    if (!data) return;
    await this.#try('reading', async () => {
      const found = await api.columns(data);
      if (this.order.data === data) this.columns = found;
    });
  }

  /** Look, a moment later, at what would be done; nothing is trained. */
  ask(order: FitOrder): void {
    clearTimeout(this.#timer);
    this.#asking?.abort();
    this.refused = [];
    if (!order.data || !order.target) {
      this.look = null;
      return;
    }
    this.#timer = setTimeout(() => void this.#look(order), PAUSE);
  }

  async #look(order: FitOrder): Promise<void> {
    const asking = (this.#asking = new AbortController());
    this.busy = 'looking';
    try {
      this.look = await api.look(order, asking.signal);
    } catch (error) {
      if (asking.signal.aborted) return;
      this.look = null;
      this.refused = problemsOf(error);
    }
    this.busy = '';
  }

  async fit(): Promise<void> {
    this.busy = 'starting';
    try {
      const { run } = await api.fit(this.order);
      go(`runs/${run}`);
    } catch (error) {
      complain(problemsOf(error));
    } finally {
      this.busy = '';
    }
  }

  async #try(busy: FitModel['busy'], what: () => Promise<void>): Promise<void> {
    this.busy = busy;
    try {
      await what();
      this.problems = [];
    } catch (error) {
      this.problems = problemsOf(error);
    } finally {
      this.busy = '';
    }
  }
}
