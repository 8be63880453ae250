// Bundles with hashed names, made smaller once and for all: what the service sends is read from the jar as it stands.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin, type Rolldown } from 'vite';

const SERVICE = process.env.CHAT_URL ?? 'http://localhost:8080';
const WORKER = 'service-worker.js';
const CATALOGUES = ['/texts/de.ts', '/texts/ar.ts'];
const OUTPUT = process.env.CHAT_PAGE_OUTPUT ?? '../../../target/classes/page';

/** Writes .br and .gz beside each file, and a list of all, since a jar's folders cannot be asked. Prints the sizes. */
function compressed(): Plugin {
  let output = '';
  return {
    name: 'compressed',
    apply: 'build',
    configResolved(config) {
      output = resolve(config.root, config.build.outDir);
    },
    closeBundle() {
      if (!existsSync(output)) {
        return; // the build has failed already
      }
      const files = readdirSync(output, { recursive: true, withFileTypes: true })
        .filter(
          (entry) => entry.isFile() && !/\.(br|gz)$/.test(entry.name) && entry.name !== 'files',
        )
        .map((entry) => join(entry.parentPath, entry.name).slice(output.length + 1))
        .sort();
      let [plain, gzip, brotli] = [0, 0, 0];
      for (const file of files) {
        const content = readFileSync(join(output, file));
        const br = brotliCompressSync(content, {
          params: { [constants.BROTLI_PARAM_QUALITY]: 11 },
        });
        const gz = gzipSync(content, { level: 9 });
        writeFileSync(join(output, `${file}.br`), br);
        writeFileSync(join(output, `${file}.gz`), gz);
        plain += content.length;
        gzip += gz.length;
        brotli += br.length;
      }
      writeFileSync(join(output, 'files'), `${files.join('\n')}\n`);
      const kib = (bytes: number) => `${(bytes / 1024).toFixed(1)} KiB`;
      console.log(
        `The page: ${files.length} files, ${kib(plain)}; as sent ${kib(brotli)} (brotli), ${kib(gzip)} (gzip)`,
      );
    },
  };
}

/** The file that a module went into. */
const holding = (chunks: Rolldown.OutputChunk[], module: string) =>
  chunks.find(({ moduleIds }) => moduleIds.some((id) => id.endsWith(module)))!;

const isPage = ({ isEntry, fileName }: Rolldown.OutputChunk) => isEntry && fileName !== WORKER;

/**
 * The service worker, at an address that stays. It is told what opens the page without the service: the first file, what shows
 * the answers of the service, and the languages.
 */
function offlineShell(): Plugin {
  return {
    name: 'offline-shell',
    apply: 'build',
    enforce: 'post',
    buildStart() {
      this.emitFile({ type: 'chunk', id: 'worker/service-worker.ts', fileName: WORKER });
    },
    generateBundle: {
      order: 'post',
      handler(_, bundle) {
        const outputs = Object.values(bundle);
        const chunks = outputs.filter((one) => one.type === 'chunk');
        const page = chunks.find(isPage)!;
        const wanted = ['/app/app.tsx', ...CATALOGUES].map((path) => holding(chunks, path));
        const scripts = [page, ...wanted].flatMap(({ fileName, imports }) => [
          fileName,
          ...imports,
        ]);
        const rest = outputs
          .map(({ fileName }) => fileName)
          .filter((name) => /\.css$|\bicon-[^/]*\.svg$/.test(name));
        const files = [...new Set([...scripts, ...rest])].map((name) => `/${name}`).sort();
        const document = bundle['index.html'] as Rolldown.OutputAsset;
        const version = createHash('sha256')
          .update(document.source)
          .update(files.join())
          .digest('hex');
        const build = { version: version.slice(0, 16), entry: `/${page.fileName}`, files };
        const worker = bundle[WORKER] as Rolldown.OutputChunk;
        worker.code = `const BUILD=${JSON.stringify(build)};${worker.code}`;
      },
    },
  };
}

/** What the first file will ask for is named beside it, so that the browser asks for all at once. */
function preloaded(): Plugin {
  return {
    name: 'preloaded',
    apply: 'build',
    transformIndexHtml: {
      order: 'post',
      handler(_, { bundle }) {
        const chunks = Object.values(bundle ?? {}).filter((one) => one.type === 'chunk');
        const app = holding(chunks, '/app/app.tsx');
        const begun = chunks.find(isPage)!;
        const known = [begun.fileName, ...begun.imports];
        const files = [app.fileName, ...app.imports].filter((name) => !known.includes(name));
        return [
          { rel: 'preload', as: 'fetch', crossorigin: '', href: '/page.json' },
          ...files.map((name) => ({ rel: 'modulepreload', crossorigin: '', href: `/${name}` })),
        ].map((attrs) => ({ tag: 'link', attrs, injectTo: 'head' as const }));
      },
    },
  };
}

type ModuleInfo = { importedIds: readonly string[] } | null;

/** All that a module needs to begin. */
function needed(id: string, info: (id: string) => ModuleInfo, found = new Set<string>()) {
  if (!found.has(id)) {
    found.add(id);
    info(id)?.importedIds.forEach((one) => needed(one, info, found));
  }
  return found;
}

/**
 * What shows the list is one file beside the first: more would wait for each other, as browsers have six connections. Its
 * modules import their icons one by one, since whatever they import comes with it: the library's index is all icons.
 */
function forTheList(id: string, modules: { getModuleInfo: (id: string) => ModuleInfo }) {
  const info = (one: string) => modules.getModuleInfo(one);
  const source = (name: string) => join(import.meta.dirname, 'src', name);
  const list = needed(source('app/app.tsx'), info);
  return list.has(id) && !needed(source('main.ts'), info).has(id) ? 'list' : null;
}

export default defineConfig({
  plugins: [react(), preloaded(), offlineShell(), compressed()],
  resolve: {
    alias: {
      '@': join(import.meta.dirname, 'src'),
      entities: join(import.meta.dirname, 'src/app/no-entities.ts'),
    },
  },
  build: {
    outDir: OUTPUT,
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0, // an inlined image is one more thing for the content security policy to allow
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        codeSplitting: {
          includeDependenciesRecursively: false,
          groups: [{ name: forTheList, debugName: 'list' }],
        },
      },
    },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1000,
  },
  server: {
    port: 5173,
    proxy: {
      '/page.json': SERVICE,
      '/demo': SERVICE,
      '/rest': SERVICE,
      '/health': SERVICE,
      '/storage': SERVICE,
      '/realtime': { target: SERVICE, ws: true },
    },
  },
});
