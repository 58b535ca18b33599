/** Puts the licences of all packages that end up in the page beside it, as they ask for. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'vite';

interface Manifest {
  name: string;
  version: string;
  license?: string;
  dependencies?: Record<string, string>;
}

const HOME = join(import.meta.dirname, 'node_modules');

function manifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf-8')) as Manifest;
}

/** All packages below `names`, each once, in order of the alphabet. */
function below(names: Iterable<string>): string[] {
  const found = new Set<string>();
  const waiting = [...names];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (found.has(name)) continue;
    found.add(name);
    waiting.push(...Object.keys(manifest(join(HOME, name)).dependencies ?? {}));
  }
  return [...found].sort();
}

function told(name: string): string {
  const folder = join(HOME, name);
  const about = manifest(folder);
  const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
  const text = file ? readFileSync(join(folder, file), 'utf-8').trim() : '';
  return `${about.name} ${about.version} (${about.license ?? 'see below'})\n\n${text}\n`;
}

export function licences(): Plugin {
  return {
    name: 'licences',
    apply: 'build',
    generateBundle() {
      const own = Object.keys(manifest(import.meta.dirname).dependencies ?? {});
      const shipped = below([...own, 'svelte', 'esm-env']);
      const rule = `\n${'-'.repeat(80)}\n\n`;
      this.emitFile({ type: 'asset', fileName: 'licences.txt', source: shipped.map(told).join(rule) });
    },
  };
}
