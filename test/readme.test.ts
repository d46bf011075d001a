/** The README against the project: its picture, its example and its figures are true. */
import { execFile } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GracePeriod, Word } from '#src/core/base/units.js';
import { allocTable } from '#src/core/frag/alloc.js';
import { CALLBACKS } from '#src/core/frag/callback.js';
import { freeTable } from '#src/core/frag/free.js';
import { createMm } from '#src/core/frag/mm.js';
import { ripen, type State, stateAt, TRANSITIONS, withState } from '#src/core/frag/state.js';
import { pageAddress, type Thread } from '#src/core/mem/heap.js';
import { THREADS_MAX } from '#src/core/mem/layout.js';
import { supplyCounts } from '#src/core/mem/supply.js';
import { runCallback } from '#src/core/rcu/callback.js';
import { beginGrace, endGrace, graceEnded } from '#src/core/rcu/grace-period.js';
import { takeQueued, waitsFor } from '#src/core/rcu/manual.js';
import type { CompareDocument, CompareRow } from '#src/lab/compare/compare.js';
import type { Extent } from '#src/lab/compare/level.js';
import { documentIn, ptfrag } from './fixtures/command.js';
import { installed, withoutGrace } from './fixtures/installed.js';
import {
  checkDrained,
  contentsOf,
  KIND_0,
  kindOf,
  makeHeap,
  pageField,
  siblingOf,
  statesOf,
} from './support/heap.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const README = readFileSync(`${ROOT}README.md`, 'utf8');
const run = promisify(execFile);

/** The code blocks below a heading. */
function blocksBelow(heading: string): string[] {
  const from = README.indexOf(`\n## ${heading}\n`);
  expect(from, heading).toBeGreaterThan(0);
  const end = README.indexOf('\n## ', from + 1);
  const text = README.slice(from, end < 0 ? undefined : end);
  return [...text.matchAll(/^```\w*\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? '');
}

describe('the README', () => {
  it('fits in 150 lines of at most 100 columns', () => {
    const lines = README.trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(150);
    expect(lines.filter((line) => [...line].length > 100 && !line.startsWith('|'))).toEqual([]);
  });

  it('names limits that are those of the code', () => {
    expect(README).toContain(`${THREADS_MAX} threads at a time`);
    expect(README).toMatch(/^### Which flavour$/m);
  });
});

describe("a page's life in the README", () => {
  interface Step {
    readonly what: string;
    readonly states: string | undefined;
  }

  const [drawing = ''] = blocksBelow("A page's life");
  const steps: Step[] = drawing
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [, what = '', states] =
        /^(\S.*?)(?: {2,}([ACNF]{4}) {3}.*| {2,}[ACNF]{4})?$/.exec(line) ?? [];
      return { what, states: states ?? / ([ACNF]{4})$/.exec(line)?.[1] };
    });

  it('is what the core does, step by step', () => {
    const { heap, thread } = makeHeap({ kinds: [kindOf(4)], pagesMax: 1 });
    const mm = createMm(thread);
    const page = pageAddress(heap, 0 as never);
    const perform = (what: string): void => {
      const index = /^free (\d)$/.exec(what)?.[1];
      if (what === 'alloc') expect(allocTable(thread, mm, KIND_0)).not.toBeNull();
      else if (index !== undefined) freeTable(thread, mm, siblingOf(heap, page, Number(index)));
      else if (what === 'g begins') beginGrace(heap);
      else if (what === 'g ends, callback') endGraceAndRun(thread);
      else if (what === 'g begins, ends, callback') {
        beginGrace(heap);
        endGraceAndRun(thread);
      } else throw new Error(`the picture has a step "${what}"`);
    };
    for (const { what, states } of steps.slice(0, -1)) {
      perform(what);
      if (states !== undefined) expect(statesOf(heap, page), what).toBe(states);
    }
    // The last callback returns the page: its states are read from what the words hold then.
    const last = steps.at(-1) as Step;
    perform(last.what);
    expect(statesOf(heap, page)).toBe(last.states);
    expect(supplyCounts(thread)).toEqual({ free: 1, limit: 1 });
    checkDrained(thread);
  });

  it('changes each fragment as the transitions allow, and shows all of them', () => {
    const letters = 'ACNF';
    const drawn = steps.flatMap(({ states }) => (states === undefined ? [] : [states]));
    const seen = new Set<string>();
    drawn.slice(1).forEach((after, i) => {
      const before = drawn[i] as string;
      const changed = [0, 1, 2, 3].filter((slot) => before[slot] !== after[slot]);
      for (const slot of changed) seen.add(`${before[slot]}${after[slot]}`);
      if (changed.length > 1) {
        const word = [...before].reduce(
          (all, letter, slot) => withState(all, slot, letters.indexOf(letter) as State),
          0,
        );
        const ripened = [0, 1, 2, 3].map((slot) => letters[stateAt(ripen(word), slot)]).join('');
        expect(after).toBe(ripened);
      }
    });
    const legal = Object.entries(TRANSITIONS).flatMap(([from, to]) =>
      to.map((state) => `${letters[Number(from)]}${letters[state]}`),
    );
    expect([...seen].sort()).toEqual(legal.sort());
  });

  it('says where the list node is', () => {
    const { heap, thread } = makeHeap({ kinds: [kindOf(4)], pagesMax: 1 });
    const mm = createMm(thread);
    const first = allocTable(thread, mm, KIND_0) as Word;
    expect(drawing.split('\n')[0]).toContain('node lies in fragment 1');
    expect(pageField(heap, first, 'HOLDER')).toBe(1 + 1);
    for (let i = 0; i < 3; i++) allocTable(thread, mm, KIND_0);
    expect(pageField(heap, first, 'HOLDER')).toBe(0);
    expect(new Set(contentsOf(heap, siblingOf(heap, first, 1)))).toEqual(new Set([0]));
  });

  function endGraceAndRun(thread: Thread): void {
    endGrace(thread.heap);
    const [head, ...others] = takeQueued(thread) as [Word, ...Word[]];
    expect(others).toEqual([]);
    expect(graceEnded(thread.heap, waitsFor(thread, head) as GracePeriod)).toBe(true);
    runCallback(thread, CALLBACKS, head);
  }
});

describe('the examples', () => {
  const folders: string[] = [];
  const inFolder = (dist?: string): string => {
    folders.push(installed(dist));
    return folders.at(-1) as string;
  };
  afterAll(() => {
    for (const folder of folders) rmSync(folder, { recursive: true });
  });

  it('of the README runs as a file of its own, and reads nothing torn', async () => {
    const file = join(inFolder(), 'block.mjs');
    const [code = ''] = blocksBelow('As a library');
    expect(code).toContain("from 'ptfrag'");
    writeFileSync(file, code);
    const { stdout, stderr } = await run(process.execPath, [file]);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^\d+ reads, none torn\n$/);
  });

  it('of a checked lock shows the race, and holds as its comment says', async () => {
    const file = join(inFolder(), 'lock.mjs');
    const [code = ''] = blocksBelow('Checking code of your own');
    expect(code.trimEnd().split('\n').length).toBeLessThanOrEqual(15);
    writeFileSync(file, code);
    const { stdout } = await run(process.execPath, [file]);
    expect(stdout).toMatch(/^race: .* plain write by thread \d are not ordered$/m);
    expect(stdout).toMatch(/^thread 0 +thread 1$/m);
    const [, lock = ''] = /\/\/ (cas\(.*\)) would hold$/m.exec(code) ?? [];
    writeFileSync(file, code.replace('memory.load(LOCK) !==', `memory.${lock} !==`));
    expect((await run(process.execPath, [file])).stdout).toBe('holds\n');
  });

  it('of the lock prints what its README shows', async () => {
    const { stdout } = await run(process.execPath, [`${ROOT}examples/lock/main.mjs`]);
    const text = readFileSync(`${ROOT}examples/lock/README.md`, 'utf8');
    expect(text).toContain(`\n\`\`\`\n$ node examples/lock/main.mjs\n${stdout}\`\`\`\n`);
    expect(stdout).toMatch(/^broken lock: violated$/m);
    expect(stdout).toMatch(/^fixed lock: holds$/m);
  });

  it('of a rule explores what asks for it, and names what would break it', async () => {
    const example = `${ROOT}examples/rule/main.mjs`;
    const { stdout } = await run(process.execPath, [example, 'P2']);
    expect(stdout.match(/^holds {2}\S+: [1-9]\d* executions$/gm)?.length).toBeGreaterThan(1);
    expect(stdout).not.toContain('violated');
    expect(stdout).toMatch(/^P2 would not hold if\n(?: {2}.+ {2}\([\w-]+\)\n)+$/m);
    const unknown = run(process.execPath, [example, 'Z9']);
    await expect(unknown).rejects.toMatchObject({ code: 2, stderr: /no scenario asks for Z9/ });
  });

  it('of the pool runs in the project and keeps every rule', async () => {
    const { stdout } = await run(process.execPath, [`${ROOT}examples/pool/main.mjs`]);
    expect(stdout).toMatch(/^reads +[1-9]\d+ without a lock$/m);
    expect(stdout).toMatch(/^torn reads +0,/m);
    expect(stdout).toMatch(/^pages +64 of 64 are back$/m);
    expect(stdout).toMatch(/^rules +all hold$/m);
  });

  it('of the pool sees torn reads in a build without grace periods', async () => {
    const broken = withoutGrace();
    folders.push(broken);
    const folder = inFolder(join(broken, 'dist'));
    cpSync(`${ROOT}examples/pool`, join(folder, 'pool'), { recursive: true });
    const failed = run(process.execPath, [join(folder, 'pool/main.mjs')]);
    await expect(failed).rejects.toMatchObject({ code: 1, stdout: /^torn reads +[1-9]/m });
  });
});

describe('what the README shows of the commands', () => {
  let document: CompareDocument;

  beforeAll(async () => {
    document = documentIn<CompareDocument>(await ptfrag(['compare', '--json']));
  });

  it('has a table with the figures of compare, on every recording of the package', () => {
    const rows = README.split('\n').filter((line) => /^\| \S+\.(?:canon|frag) \|/.test(line));
    const shown = rows.map((line) => line.slice(2, -2).split(' | '));
    const figures = ({ mean, peak }: Extent): string => `${mean.toFixed(2)} (${peak})`;
    const computed = document.references
      .filter(({ kind }) => kind === 'pte')
      .map(({ trace, kernel, limit }) => {
        const pages = (design: string, sharing: string | null): string => {
          const row = document.rows.find(
            (r) =>
              r.trace === trace &&
              r.kind === 'pte' &&
              r.mode === 'recorded' &&
              r.design === design &&
              r.sharing === sharing,
          );
          return figures((row as CompareRow).pages);
        };
        const ours = [pages('common', 'mm'), pages('common', 'all')];
        return [trace, figures(kernel), ...ours, pages('whole-page', null), figures(limit)];
      });
    expect(computed).toHaveLength(9);
    expect([...shown].sort()).toEqual(computed.sort());
    expect(README).toContain('| trace | kernel | common, mm | common, all | whole-page | limit |');
  });

  it('has lines that a replay and a check print, but for the numbers', async () => {
    const [shown = ''] = blocksBelow('Run');
    const [start = '', check = ''] = shown.split(/^\$ .* check .*$/m);
    expect(shownLines(start).length).toBeGreaterThan(2);
    const replay = await ptfrag(['replay', 's390x/quick']);
    const shapes = new Set(replay.stdout.split('\n').map(shapeOf));
    expect(shownLines(start).filter((line) => !shapes.has(shapeOf(line)))).toEqual([]);
    const small = ['return-vs-return+buddies', 'take-vs-take+one-block'];
    const { stdout } = await ptfrag(['check', ...small]);
    const sentence = stdout.slice(stdout.indexOf('\nholds: ')).trim().replaceAll('\n', ' ');
    expect(shapeOf(shownLines(check).join(' '))).toBe(shapeOf(sentence));
  });

  /** Neither commands nor what was left out. */
  function shownLines(text: string): string[] {
    return text.split('\n').filter((line) => line !== '' && line !== '…' && !line.startsWith('$'));
  }

  function shapeOf(line: string): string {
    return line.replace(/\d[\d,.]*/g, '0').replace(/ +/g, ' ');
  }

  it('names commands that there are', () => {
    const { scripts } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as {
      scripts: Record<string, string>;
    };
    expect(scripts['start']).toBe('node dist/cli/main.js demo');
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(['start', 'test', 'build']));
  });
});
