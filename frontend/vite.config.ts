// Builds the page into the Python package; in development it passes API and socket on to a running server.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

const here = dirname(fileURLToPath(import.meta.url));
const server = process.env.HANTAR_DEV_SERVER ?? 'http://127.0.0.1:3000';

/** Puts the API's readable page (Swagger UI) beside the built page, so that nothing is loaded from elsewhere. */
function apiDocs(): Plugin {
  const dist = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  const files: Record<string, string> = {
    'docs/swagger-ui.css': join(dist, 'swagger-ui.css'),
    'docs/swagger-ui-bundle.js': join(dist, 'swagger-ui-bundle.js'),
    'docs/index.html': join(here, 'docs-page/index.html'),
    'docs/start.js': join(here, 'docs-page/start.js'),
  };
  return {
    name: 'api-docs',
    apply: 'build',
    generateBundle() {
      for (const [fileName, path] of Object.entries(files)) {
        this.emitFile({ type: 'asset', fileName, source: readFileSync(path) });
      }
    },
  };
}

export default defineConfig({
  plugins: [react(), apiDocs()],
  resolve: { alias: { '@': join(here, 'src') } },
  build: {
    outDir: '../hantar/web/static',
    emptyOutDir: true,
    target: 'es2022',
    // The page forbids inline code and data: scripts; small files stay files.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
  },
  server: {
    proxy: {
      '/api': { target: server, changeOrigin: false },
      '/health': { target: server, changeOrigin: false },
      '/ws': { target: server, changeOrigin: false, ws: true },
    },
  },
  test: {
    // Tests of parts ask for a page with `@vitest-environment jsdom`; starting one takes a second per file.
    environment: 'node',
    setupFiles: ['./src/setup.test-env.ts'],
    include: ['src/**/*.test.{ts,tsx}'],
    css: false,
  },
});
