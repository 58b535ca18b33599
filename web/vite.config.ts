import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';
import { licences } from './licences.ts';

// Addresses are relative, so that the page also works below a path prefix: the server writes the
// prefix into <base>.
export default defineConfig({
  base: './',
  plugins: [svelte(), licences()],
  build: {
    outDir: '../src/pilotlight/server/page',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0, // the content policy allows no data: addresses
    modulePreload: { polyfill: false },
  },
  worker: { format: 'es' },
  test: { include: ['tests/**/*.test.ts'] },
});
