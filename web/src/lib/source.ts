/**
 * The event stream of the server, opened again whenever it breaks, from where it was.
 *
 * It knows neither page nor worker: both a shared worker and, where there is none, a page use it.
 */

export type FromSource = { type: 'events'; id: string; events: unknown[] } | { type: 'line'; open: boolean };

const WAIT = [500, 1000, 2000, 4000];

export class Source {
  #stream: EventSource | null = null;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(
    private readonly address: string,
    private readonly tell: (message: FromSource) => void,
    private last = '',
  ) {
    this.#open();
  }

  #open(): void {
    const after = this.last ? `?after=${encodeURIComponent(this.last)}` : '';
    const stream = new EventSource(this.address + after);
    this.#stream = stream;
    stream.onopen = () => {
      this.#failures = 0;
      this.tell({ type: 'line', open: true });
    };
    stream.onmessage = (message: MessageEvent<string>) => {
      if (message.lastEventId) this.last = message.lastEventId;
      this.tell({ type: 'events', id: this.last, events: JSON.parse(message.data) as unknown[] });
    };
    stream.onerror = () => {
      // The browser's own retry waits for seconds and gives up after a refusal; ours does neither.
      stream.close();
      this.tell({ type: 'line', open: false });
      if (this.#closed) return;
      const wait = WAIT[Math.min(this.#failures, WAIT.length - 1)];
      this.#failures += 1;
      this.#timer = setTimeout(() => this.#open(), wait);
    };
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#stream?.close();
  }
}
