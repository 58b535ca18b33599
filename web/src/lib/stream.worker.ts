/** One event stream for all tabs: a browser opens about six connections to a host, no more. */

import { Source, type FromSource } from './source';

interface Scope {
  name: string;
  onconnect: ((event: MessageEvent) => void) | null;
}

const scope = self as unknown as Scope;
const tabs = new Set<MessagePort>();
let line: FromSource = { type: 'line', open: false };
let source: Source | null = null;

function tell(message: FromSource): void {
  if (message.type === 'line') line = message;
  for (const tab of tabs) tab.postMessage(message);
}

function leave(tab: MessagePort): void {
  tabs.delete(tab);
  tab.close();
  if (tabs.size > 0) return;
  source?.close();
  source = null;
}

scope.onconnect = ({ ports }) => {
  const tab = ports[0];
  if (!tab) return;
  tabs.add(tab);
  tab.onmessage = () => leave(tab);
  tab.postMessage(line);
  source ??= new Source(scope.name, tell);
};
