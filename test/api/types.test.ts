/**
 * The published types, compiled as a stranger's strict project compiles them; and the programs that
 * pages show. `npm run test:all` asks every compiler that there was since 5.4.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addNodeTypes, COMPILER, compile, copyTyped, packed } from '../fixtures/compile.js';
import { LONG } from '../support/long.js';
import { interfacesOf } from '../support/published.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const EVERYWHERE = ['entries.ts', 'read.ts', 'words.ts'];
const RESOLUTIONS = ['nodenext', 'bundler'] as const;
const VERSIONS = ['5.4', '5.5', '5.6', '5.7', '5.8', '5.9', '6', '7'];

let folder: string;
beforeAll(() => {
  folder = packed();
  addNodeTypes(folder);
  copyTyped(folder, [...EVERYWHERE, 'using.ts']);
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true }));

/** What a compiler has against a project of a browser, without the libs of later years or with. */
async function objections(compiler: string): Promise<string[]> {
  const said: string[] = [];
  for (const moduleResolution of RESOLUTIONS) {
    const project = { moduleResolution, types: [] };
    const old = { ...project, files: EVERYWHERE, lib: ['dom'] };
    const recent = { ...project, files: ['using.ts'], lib: ['dom', 'esnext.disposable'] };
    // Each way to find modules, and each of the two libs, is asked once by the short run.
    if (LONG || moduleResolution === 'nodenext') said.push(await compile(folder, old, compiler));
    if (LONG || moduleResolution === 'bundler') said.push(await compile(folder, recent, compiler));
  }
  return said.filter((text) => text !== '');
}

describe('the packed types', () => {
  it('compile in a strict project of a browser, and mean what they should', async () => {
    expect(await objections(COMPILER)).toEqual([]);
  });

  it('are seen by this test: what is wrong is found', async () => {
    const project = { files: ['using.ts'], lib: [], types: [] };
    const said = await compile(folder, { ...project, moduleResolution: 'bundler' });
    expect(said).toContain("Cannot find name 'AbortSignal'");
  });
});

describe('the packed shapes of options', () => {
  const entries = ['.', './model', './pgtable', './proof', './recovery'].map((entry, i) => ({
    module: `ptfrag${entry.slice(1)}`,
    alias: `entry${i}`,
    shapes: interfacesOf(entry),
  }));

  it('take undefined for whatever may be left out', async () => {
    const shapes = entries.flatMap(({ alias, shapes: names }) =>
      names.map((name) => `${alias}.${name}`),
    );
    const text = [
      ...entries.map(({ module, alias }) => `import type * as ${alias} from '${module}';`),
      'type LeftOut<T> = { [K in keyof T as {} extends Pick<T, K> ? K : never]: undefined };',
      ...shapes.map((shape, i) => {
        const parameters = `given: ${shape}, none: LeftOut<${shape}>`;
        return `export const take${i} = (${parameters}): ${shape} => ({ ...given, ...none });`;
      }),
    ].join('\n');
    writeFileSync(join(folder, 'left-out.ts'), text);
    const project = { files: ['left-out.ts'], lib: ['dom'], types: [] };
    expect(await compile(folder, { ...project, moduleResolution: 'nodenext' })).toBe('');
    for (const shape of ['entry0.AttachOptions', 'entry1.Scenario', 'entry2.RangeOptions']) {
      expect(shapes).toContain(shape);
    }
  });
});

/** Installs every compiler under a name of its own. Null: they can't be had. */
function installCompilers(): string | null {
  const into = mkdtempSync(join(tmpdir(), 'ptfrag-compilers-'));
  writeFileSync(join(into, 'package.json'), '{ "private": true }');
  const aliases = VERSIONS.map((version) => `ts-${version}@npm:typescript@${version}`);
  try {
    execFileSync('npm', ['install', '--no-audit', '--no-fund', ...aliases], { cwd: into });
    return into;
  } catch {
    rmSync(into, { recursive: true });
    return null;
  }
}

describe.runIf(LONG)('the packed types, to each compiler', () => {
  let compilers: string | null;
  beforeAll(() => {
    compilers = installCompilers();
  }, 300_000);
  afterAll(() => compilers !== null && rmSync(compilers, { recursive: true }));

  it.for(VERSIONS)('of TypeScript %s, compile', async (version, { skip }) => {
    if (compilers === null) return skip('npm install got no compilers: is there a network?');
    const compiler = join(compilers, `node_modules/ts-${version}/bin/tsc`);
    const told = execFileSync(process.execPath, [compiler, '--version'], { encoding: 'utf8' });
    expect(told).toContain(`Version ${version}`);
    expect(await objections(compiler)).toEqual([]);
  });
});

/** Programs that a page shows whole: what imports the package. */
function programsOf(page: string): string[] {
  const text = readFileSync(join(ROOT, page), 'utf8');
  const blocks = [...text.matchAll(/^```(?:js|ts)\n([\s\S]*?)^```$/gm)];
  return blocks.map(([, code = '']) => code).filter((code) => code.includes("from 'ptfrag"));
}

describe('the programs that pages show', () => {
  const docs = readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`);
  const programs = ['README.md', ...docs].flatMap((page) =>
    programsOf(page).map((code, index) => {
      return { file: `${page.replaceAll(/\W/g, '-')}-${index + 1}.ts`, code };
    }),
  );

  it('are TypeScript, too, as they stand: no type is missing, none needs a cast', async () => {
    for (const { file, code } of programs) writeFileSync(join(folder, file), code);
    const isForNode = ({ code }: { code: string }): boolean => code.includes("from 'node:");
    const moduleResolution = 'nodenext';
    const forNode = programs.filter(isForNode).map(({ file }) => file);
    const ofNode = { files: forNode, lib: [], types: ['node'], moduleResolution } as const;
    expect(await compile(folder, ofNode)).toBe('');
    const others = programs.filter((each) => !isForNode(each)).map(({ file }) => file);
    const ofBrowser = { files: others, lib: ['dom'], types: [], moduleResolution } as const;
    expect(await compile(folder, ofBrowser)).toBe('');
    expect(forNode).toContain('README-md-1.ts');
    expect(others).toEqual(expect.arrayContaining(['README-md-2.ts', 'docs-start-md-1.ts']));
  });
});
