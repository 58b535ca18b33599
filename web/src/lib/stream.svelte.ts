/** What happens on the server, told to whoever listens in this tab. */

import type { StreamEvent } from './answers';
import { address } from './api';
import { Source, type FromSource } from './source';

type Listener = (event: StreamEvent) => void;

const listeners = new Set<Listener>();
const GRACE = 1500;
let lost: ReturnType<typeof setTimeout> | undefined;

/** Whether events arrive; a break shorter than a moment is not shown. */
export const line = $state({ open: true });

/** Listen; the answer ends it. */
export function listen(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function take(message: FromSource): void {
  if (message.type === 'events') {
    for (const event of message.events as StreamEvent[]) for (const each of [...listeners]) each(event);
    return;
  }
  clearTimeout(lost);
  if (message.open) line.open = true;
  else lost = setTimeout(() => (line.open = false), GRACE);
}

function share(): void {
  const worker = new SharedWorker(new URL('./stream.worker.ts', import.meta.url), {
    type: 'module',
    name: address('events'),
  });
  worker.port.onmessage = (message: MessageEvent<FromSource>) => take(message.data);
  worker.port.start();
  // A page that the browser keeps for "back" is asked to reload, as it has left the stream.
  window.addEventListener('pagehide', () => worker.port.postMessage('leave'));
  window.addEventListener('pageshow', (event) => event.persisted && window.location.reload());
}

/** Without shared workers one tab holds the stream and tells the others. */
function takeTurns(): void {
  const channel = new BroadcastChannel('pilotlight-stream');
  let last = '';
  channel.onmessage = (message: MessageEvent<FromSource>) => {
    if (message.data.type === 'events') last = message.data.id;
    take(message.data);
  };
  void navigator.locks.request('pilotlight-stream', () => {
    const source = new Source(address('events'), (message) => {
      channel.postMessage(message);
      take(message);
    }, last);
    return new Promise<void>((done) => window.addEventListener('pagehide', () => (source.close(), done())));
  });
}

export function connect(): void {
  if ('SharedWorker' in window) share();
  else if ('locks' in navigator) takeTurns();
  else new Source(address('events'), take);
}
