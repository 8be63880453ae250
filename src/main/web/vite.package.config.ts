// The npm package @gptdesk/chat-react: parts for other applications as ESM with types, and one style sheet. scripts/web package
// calls it. What the package needs is left to the application's own bundler.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { defineConfig, type Plugin } from 'vite';
import own from './package.json' with { type: 'json' };

const ROOT = join(import.meta.dirname, '../../..');
const OUTPUT = join(ROOT, 'target/chat-react');
const SOURCES = join(import.meta.dirname, 'src');

/** Of these an application has one of its own, which must be the same. */
const PEERS = { react: '^19.0.0', 'react-dom': '^19.0.0', '@supabase/supabase-js': '^2.109.0' };

function manifest(): object {
  const [, version] = /<version>(.*?)<\/version>/.exec(
    readFileSync(join(ROOT, 'pom.xml'), 'utf8'),
  )!;
  const dependencies: Record<string, string> = { ...own.dependencies };
  Object.keys(PEERS).forEach((name) => delete dependencies[name]);
  return {
    name: '@gptdesk/chat-react',
    version,
    description:
      'One-to-one chat between the members of a team: the Messages page of GPT Desk Chat and its parts.',
    license: 'Apache-2.0',
    type: 'module',
    sideEffects: ['**/*.css'],
    files: ['dist'],
    exports: {
      '.': { types: './dist/package.d.ts', default: './dist/package.js' },
      './worker': {
        types: './dist/lib/push-worker.d.ts',
        default: './dist/lib/push-worker.js',
      },
      './styles.css': './dist/styles.css',
      './package.json': './package.json',
    },
    dependencies,
    peerDependencies: PEERS,
  };
}

/** Types with the addresses that Node resolves, the types of the database, and what npm wants beside them. */
function packaged(): Plugin {
  return {
    name: 'packaged',
    closeBundle() {
      const types = join(OUTPUT, 'dist');
      const tsc = join(import.meta.dirname, 'node_modules/typescript/bin/tsc');
      execFileSync(process.execPath, [tsc, '-p', 'tsconfig.package.json'], {
        cwd: import.meta.dirname,
        stdio: 'inherit',
      });
      for (const name of readdirSync(types, { recursive: true, encoding: 'utf8' })) {
        if (name.endsWith('.d.ts')) {
          const file = join(types, name);
          writeFileSync(file, resolved(readFileSync(file, 'utf8'), dirname(file), types));
        }
      }
      cpSync(join(ROOT, 'target/generated-types/database.ts'), join(types, 'database.d.ts'));
      writeFileSync(
        join(types, 'package.d.ts'), // tsc repeats the imports of sheets, which have no types
        "export * from './index.js';\nexport type { Database, Json } from './database.js';\n",
      );
      writeFileSync(join(OUTPUT, 'package.json'), `${JSON.stringify(manifest(), null, 2)}\n`);
      cpSync(join(import.meta.dirname, 'README.md'), join(OUTPUT, 'README.md'));
      cpSync(join(ROOT, 'LICENSE'), join(OUTPUT, 'LICENSE'));
    },
  };
}

/** `@/lib/x` and `./x` as Node wants them: relative, with an ending. */
function resolved(declarations: string, folder: string, types: string): string {
  return declarations.replace(
    /((?:from|import)\s*\(?\s*['"])(@|\.{1,2})(\/[^'"]+)(['"])/g,
    (_, before, start, path, after) => {
      const target = join(start === '@' ? types : join(folder, start), path);
      const file = existsSync(join(target, 'index.d.ts')) ? join(target, 'index') : target;
      const way = relative(folder, `${file}.js`);
      return `${before}${way.startsWith('.') ? way : `./${way}`}${after}`;
    },
  );
}

export default defineConfig({
  plugins: [packaged()],
  publicDir: false, // the page's own
  resolve: { alias: { '@': SOURCES } },
  build: {
    outDir: join(OUTPUT, 'dist'),
    emptyOutDir: true,
    target: 'es2022',
    minify: false,
    cssMinify: true,
    reportCompressedSize: false,
    lib: {
      entry: [join(SOURCES, 'package.ts'), join(SOURCES, 'lib/push-worker.ts')],
      formats: ['es'],
      cssFileName: 'styles',
    },
    rolldownOptions: {
      external: /^[^./@]|^@[^/]/,
      output: {
        banner: "'use client';",
        preserveModules: true,
        preserveModulesRoot: SOURCES,
        entryFileNames: '[name].js',
      },
    },
  },
});
