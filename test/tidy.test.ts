/**
 * Style as a test. First what the checks say about this project, then the checks themselves: each
 * gets a violation that it must report and a neighbour that it must leave alone.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkBans } from './tidy/bans.js';
import {
  checkArrows,
  checkDeadFiles,
  checkImports,
  checkLabels,
  importsOf,
} from './tidy/project.js';
import {
  checkAssertions,
  checkBodyDensity,
  checkDensity,
  checkFunctions,
  checkHeader,
  checkLines,
  checkMedian,
} from './tidy/shape.js';
import { type Finding, formatFinding, type Source, source } from './tidy/source.js';
import { functionBodies, testBodies } from './tidy/tokens.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

type Check = (files: readonly Source[]) => Finding[];

const each =
  (check: (file: Source) => Finding[]): Check =>
  (files) =>
    files.flatMap(check);

const inSrc =
  (check: Check): Check =>
  (files) =>
    check(files.filter((file) => file.path.startsWith('src/')));

const inTests =
  (check: Check): Check =>
  (files) =>
    check(files.filter((file) => file.path.startsWith('test/')));

const CHECKS: Record<string, Check> = {
  'imports are in the list': each(checkImports),
  'the list has no arrow that nothing needs': checkArrows,
  'no banned spelling': each(checkBans),
  'short functions': each(checkFunctions),
  'short files and lines': each(checkLines),
  'labels have both ends': checkLabels,
  'tests assert': inTests(each(checkAssertions)),
  'no dead files': checkDeadFiles,
  'headers say what a file is for': inSrc(each(checkHeader)),
  'short functions as a rule': checkMedian,
  'arguments next to the code': checkDensity,
  'arguments at the line': checkBodyDensity,
};

function readProject(): Source[] {
  const folders = ['src', 'test', 'bench', 'examples'].filter((name) => existsSync(ROOT + name));
  return folders.flatMap((folder) =>
    readdirSync(ROOT + folder, { recursive: true, encoding: 'utf8' })
      .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
      .filter((path) => path.endsWith('.ts'))
      .sort()
      .map((path) => source(path, readFileSync(ROOT + path, 'utf8'))),
  );
}

describe('this project', () => {
  const files = readProject();

  for (const [name, check] of Object.entries(CHECKS)) {
    it(name, () => {
      expect(check(files).map(formatFinding)).toEqual([]);
    });
  }

  it('was looked at: files, imports, functions and tests were found', () => {
    expect(files.some((file) => file.path === 'src/core/base/units.ts')).toBe(true);
    expect(files.flatMap(importsOf).length).toBeGreaterThan(files.length);
    expect(files.flatMap(functionBodies).length).toBeGreaterThan(files.length);
    expect(files.flatMap(testBodies).length).toBeGreaterThan(5);
  });
});

/** Files by path; what is said about the first line that is wrong; '' when nothing is. */
type Case = readonly [check: string, files: Record<string, string>, report: string];

const lines = (count: number, line: string): string => `${line}\n`.repeat(count);
const body = (count: number): string => `{\n${lines(count - 2, '  step();')}}\n`;
const density = (comments: number): string => lines(comments, '// why') + lines(100, 'step();');
const argued = (comments: number): string => `function f(): void {\n${density(comments)}}\n`;

const CASES: readonly Case[] = [
  // Imports.
  [
    'imports are in the list',
    { 'src/core/mem/a.ts': "import { x } from '../rcu/x.js';" },
    'a.ts:1: imports',
  ],
  [
    'imports are in the list',
    { 'src/core/mem/a.ts': "\nexport * from '../../cli/x.js';" },
    'a.ts:2: imports',
  ],
  [
    'imports are in the list',
    { 'src/core/mem/a.ts': "const x = import('../rcu/x.js');" },
    'mem may import base',
  ],
  [
    'imports are in the list',
    { 'src/core/mem/a.ts': "type X = import('../rcu/x.js').X;" },
    'mem may import base',
  ],
  [
    'imports are in the list',
    { 'src/core/mem/a.ts': "import type {\n  X,\n} from '../rcu/x.js';" },
    'a.ts:3:',
  ],
  ['imports are in the list', { 'src/core/frag/a.ts': "import { x } from '../mem/x.js';" }, ''],
  [
    'imports are in the list',
    { 'src/core/frag/a.ts': "// from '../cli/x.js'\nimport './x.js';" },
    '',
  ],
  ['imports are in the list', { 'src/checker/model/a.ts': "import 'node:fs';" }, 'no package'],
  [
    'imports are in the list',
    { 'src/core/base/a.ts': "import { z } from 'commander';" },
    'no package',
  ],
  ['imports are in the list', { 'src/cli/a.ts': "import { z } from 'commander';" }, ''],
  ['imports are in the list', { 'src/api/a.ts': "import '#src/mem/x.js';" }, 'name the file'],
  ['imports are in the list', { 'src/api/a.ts': "import '../../test/x.js';" }, 'outside'],
  ['imports are in the list', { 'src/misc/a.ts': '' }, 'in no room'],
  ['imports are in the list', { 'src/a.ts': '' }, 'in no room'],

  [
    'the list has no arrow that nothing needs',
    { 'src/rooms.ts': '', 'src/core/mem/a.ts': "import '../base/x.js';" },
    'rcu may import base, and does not',
  ],
  ['the list has no arrow that nothing needs', { 'src/core/mem/a.ts': '' }, ''],

  // Bans.
  ['no banned spelling', { 'src/api/a.ts': 'Atomics.load(w, 0);' }, 'a.ts:1: `Atomics`'],
  ['no banned spelling', { 'src/api/a.ts': '// Atomics\nsay("Atomics");' }, ''],
  ['no banned spelling', { 'src/core/mem/a.ts': 'Atomics.load(new Int32Array(b), 0);' }, ''],
  [
    'no banned spelling',
    { 'src/core/rcu/a.ts': '\nnew Int32Array(b);' },
    'a.ts:2: `new Int32Array`',
  ],
  ['no banned spelling', { 'src/api/a.ts': 'new SharedArrayBuffer(8);' }, 'only src/mem makes'],
  ['no banned spelling', { 'src/api/a.ts': 'typeof SharedArrayBuffer;' }, ''],
  [
    'no banned spelling',
    { 'src/core/base/a.ts': 'type B = SharedArrayBuffer;' },
    'speak to Memory',
  ],
  ['no banned spelling', { 'src/api/a.ts': '// TODO: later' }, 'a.ts:1: `TODO`'],
  ['no banned spelling', { 'test/a.test.ts': '/*\n * FIXME\n */' }, 'a.test.ts:2: `FIXME`'],
  ['no banned spelling', { 'src/api/a.ts': '// the RCU TODO bits; todo' }, ''],
  ['no banned spelling', { 'src/core/frag/a.ts': 'console.log(1);' }, 'only src/cli prints'],
  ['no banned spelling', { 'src/cli/a.ts': 'console.log(1);' }, ''],
  ['no banned spelling', { 'src/api/a.ts': 'f(x as any);' }, '`as any`'],
  ['no banned spelling', { 'src/api/a.ts': 'let x: any;' }, '`: any`'],
  ['no banned spelling', { 'src/api/a.ts': 'let x: Set<any>;' }, '`<any`'],
  ['no banned spelling', { 'src/api/a.ts': 'const any = company;' }, ''],
  ['no banned spelling', { 'src/api/a.ts': 'enum Kind { A }' }, '`enum K`'],
  ['no banned spelling', { 'src/api/a.ts': 'debugger;' }, '`debugger`'],
  ['no banned spelling', { 'test/a.test.ts': "it.only('x', f);" }, '`it.only`'],
  ['no banned spelling', { 'src/api/a.ts': 'this.#x = 1;' }, '#fields'],
  ['no banned spelling', { 'src/checker/model/a.ts': 'Date.now();' }, '(X6)'],
  ['no banned spelling', { 'src/core/pgtable/a.ts': 'performance.now();' }, '(X6)'],
  ['no banned spelling', { 'src/core/base/a.ts': 'Math.random();' }, '(X6)'],
  ['no banned spelling', { 'src/lab/crew/a.ts': 'Date.now();' }, ''],
  ['no banned spelling', { 'src/core/frag/a.ts': 'try {\n} catch {\n}' }, 'a.ts:2: `catch`'],
  ['no banned spelling', { 'src/core/mem/shared.ts': 'async () => { try {} catch {} };' }, ''],
  ['no banned spelling', { 'src/core/rcu/a.ts': 'export async function f() {}' }, '(X1)'],
  ['no banned spelling', { 'src/core/rcu/a.ts': 'mem.awaitChange(word, 1);' }, ''],
  ['no banned spelling', { 'src/core/frag/a.ts': 'f();\nlet count = 0;' }, 'a.ts:2: `let`'],
  [
    'no banned spelling',
    { 'src/core/frag/a.ts': 'function f() { let x = 0; for (let y of z); }' },
    '',
  ],
  ['no banned spelling', { 'src/core/frag/a.ts': 'f(10n);' }, '`10n`'],
  ['no banned spelling', { 'src/core/mem/a.ts': 'f(BigInt(1), 0x1fn);' }, '`BigInt`'],
  ['no banned spelling', { 'src/api/a.ts': 'f(10n);' }, ''],

  // Sizes.
  ['short functions', { 'src/api/a.ts': `function f(): void ${body(71)}` }, '71 lines'],
  ['short functions', { 'src/api/a.ts': `function f(): void ${body(70)}` }, ''],
  [
    'short functions',
    { 'src/api/a.ts': `\nconst f = (x: number): { a: X } => ${body(71)}` },
    ':2:',
  ],
  ['short functions', { 'src/api/a.ts': `class A {\n  get x(): number ${body(71)}}` }, ':2:'],
  ['short functions', { 'src/api/a.ts': `class A {\n  m<T>(f: () => T): T[] ${body(71)}}` }, ':2:'],
  ['short functions', { 'src/api/a.ts': `class A ${body(90)}` }, ''],
  ['short functions', { 'src/api/a.ts': `if (x) ${body(90)}` }, ''],
  ['short functions', { 'test/a.test.ts': `describe('x', () => ${body(90)});` }, ''],
  ['short functions', { 'test/a.test.ts': `describe.each(t)('x', () => ${body(90)});` }, ''],
  ['short functions', { 'test/a.test.ts': `it('x', async () => ${body(71)});` }, '71 lines'],
  ['short files and lines', { 'src/api/a.ts': `\n${'x'.repeat(101)}` }, 'a.ts:2: 101 columns'],
  ['short files and lines', { 'src/api/a.ts': 'x'.repeat(100) }, ''],
  ['short files and lines', { 'src/api/a.ts': ` * https://${'x'.repeat(100)}` }, ''],
  ['short files and lines', { 'src/api/a.ts': lines(351, 'step();') }, '351 lines'],
  ['short files and lines', { 'src/api/a.ts': lines(350, 'step();') }, ''],
  ['short files and lines', { 'test/a.test.ts': lines(501, 'step();') }, '501 lines'],

  ['short functions as a rule', { 'src/api/a.ts': `function f(): void ${body(9)}` }, 'has 9 lines'],
  [
    'short functions as a rule',
    { 'src/api/a.ts': `function f(): void ${body(60)}function g(): void ${body(8)}`.repeat(2) },
    'has 60 lines',
  ],
  [
    'short functions as a rule',
    {
      'src/api/a.ts': `function f(): void ${body(60)}`,
      'src/api/b.ts': `function g(): void ${body(8)}`.repeat(2),
    },
    '',
  ],

  // Labels.
  ['labels have both ends', { 'src/core/mem/a.ts': '// PUBLISH(x): why' }, 'has no OBSERVE(x)'],
  ['labels have both ends', { 'src/core/rcu/a.ts': '// OBSERVE(x): why' }, 'has no PUBLISH(x)'],
  [
    'labels have both ends',
    { 'src/core/rcu/a.ts': '// OBSERVE(x), OBSERVE(y): why' },
    'PUBLISH(x)',
  ],
  ['labels have both ends', { 'src/core/rcu/a.ts': '// PUBLISH(x): see OBSERVE(x)' }, 'OBSERVE(x)'],
  [
    'labels have both ends',
    { 'src/core/rcu/a.ts': '// PUBLISH(x): why', 'src/api/b.ts': '/** OBSERVE(x): why */' },
    '',
  ],
  ['labels have both ends', { 'src/core/rcu/a.ts': '// CLAIM(x): one winner' }, ''],

  // Tests.
  ['tests assert', { 'test/a.test.ts': "\nit('x', () => {\n  step();\n});" }, 'a.test.ts:2:'],
  ['tests assert', { 'test/a.test.ts': "it('x', () => {\n  // expect(1)\n});" }, 'a.test.ts:1:'],
  ['tests assert', { 'test/a.test.ts': "test.each([expect(1)])('x', () => {});" }, 'a.test.ts:1:'],
  ['tests assert', { 'test/a.test.ts': "it.todo('x');" }, 'a.test.ts:1:'],
  ['tests assert', { 'test/a.test.ts': "it('x', () => {\n  expect(1).toBe(1);\n});" }, ''],
  ['tests assert', { 'test/a.test.ts': "it('x', () => fc.assert(property));" }, ''],
  ['tests assert', { 'test/a.test.ts': "it.runIf(y)('x', () => checkHeap(heap));" }, ''],
  ['tests assert', { 'test/a.test.ts': 'if (/x/.test(text)) step(it);' }, ''],

  // Dead files.
  [
    'no dead files',
    { 'src/api/index.ts': '', 'src/core/mem/a.ts': '' },
    'src/core/mem/a.ts:1: a dead file',
  ],
  [
    'no dead files',
    { 'src/api/index.ts': "import '../core/mem/a.js';", 'src/core/mem/a.ts': '' },
    '',
  ],
  ['no dead files', { 'src/cli/main.ts': '', 'src/lab/crew/worker.ts': '' }, ''],
  ['no dead files', { 'test/a.test.ts': "import '../src/b.js';", 'src/b.ts': '' }, 'src/b.ts:1:'],

  // Headers and comments.
  ['headers say what a file is for', { 'src/api/a.ts': 'step();' }, 'no header'],
  ['headers say what a file is for', { 'src/api/a.ts': '/** x */\nstep();' }, 'no header'],
  ['headers say what a file is for', { 'src/api/a.ts': '/** The public names, only. */' }, ''],
  [
    'headers say what a file is for',
    { 'src/cli/a.ts': '#!/bin/x\n/** The commands of it. */' },
    '',
  ],
  ['arguments next to the code', { 'src/core/mem/a.ts': density(14) }, '14.0 comment lines'],
  ['arguments next to the code', { 'src/core/mem/a.ts': density(46) }, '46.0 comment lines'],
  [
    'arguments next to the code',
    {
      'src/core/mem/a.ts': density(0),
      'src/core/frag/b.ts': density(40),
      'src/cli/c.ts': density(0),
    },
    '',
  ],
  [
    'arguments at the line',
    { 'src/core/frag/a.ts': lines(9, '// why') + argued(6) },
    'frag has 6.0 comment lines',
  ],
  [
    'arguments at the line',
    { 'src/core/frag/a.ts': argued(7), 'src/core/mem/b.ts': argued(0) },
    '',
  ],
];

describe('every check', () => {
  it.each(CASES)('%s: %j -> %j', (name, texts, report) => {
    const files = Object.entries(texts).map(([path, text]) => source(path, text));
    const found = (CHECKS[name] as Check)(files).map(formatFinding);
    if (report === '') expect(found).toEqual([]);
    else expect(found[0] ?? 'nothing').toContain(report);
  });

  it('has a violation that it reports and a neighbour that it leaves alone', () => {
    for (const name of Object.keys(CHECKS)) {
      const reports = CASES.filter((entry) => entry[0] === name).map((entry) => entry[2]);
      expect(reports, name).toContain('');
      expect(reports.some(Boolean), name).toBe(true);
    }
  });
});

describe('the scanner', () => {
  const PIECES = [
    'shown(a / b, c) / 2;\n',
    'if (a) { shown(); }\n',
    '// hidden { \' " ` /*\n',
    '/* hidden } // \n ` */\n',
    "call('hidden // \\' { ');\n",
    'call("hidden \' `");\n',
    'call(`hidden } \\` ${shown({ a: `hidden ${b}` })} hidden /*`);\n',
    'const r = /hidden[/\'"`{]\\/+/g;\n',
    'return /hidden{2}/.test(x) ? a++ / b / c : d;\n',
  ];

  it('keeps code, lines and positions, and blanks all else, in any order of pieces', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...PIECES)), (pieces) => {
        const text = pieces.join('');
        const { code, codeLines, lines: textLines } = source('src/api/a.ts', text);
        expect(code).toHaveLength(text.length);
        expect(codeLines).toHaveLength(textLines.length);
        expect(code).not.toContain('hidden');
        expect(code.split('shown')).toHaveLength(text.split('shown').length);
        expect(code.split('{')).toHaveLength(code.split('}').length);
      }),
    );
  });

  it('ends on any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'\'"`/*\\${}[]()\n a=') }), (text) => {
        expect(source('src/api/a.ts', text).code).toHaveLength(text.length);
      }),
    );
  });
});
