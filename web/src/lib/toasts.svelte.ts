/** Short words at the foot of the page, with at most one thing to do about them. */

export interface Toast {
  id: number;
  text: string;
  is: 'said' | 'problem';
  action?: { label: string; do: () => void };
}

const STAYS = 8000;
let next = 0;

export const toasts = $state<Toast[]>([]);

export function say(text: string, action?: Toast['action'], is: Toast['is'] = 'said'): void {
  const id = (next += 1);
  toasts.push(action ? { id, text, is, action } : { id, text, is });
  setTimeout(() => drop(id), STAYS);
}

export function complain(problems: readonly string[]): void {
  say(problems.join(' '), undefined, 'problem');
}

export function drop(id: number): void {
  const at = toasts.findIndex((toast) => toast.id === id);
  if (at >= 0) toasts.splice(at, 1);
}
