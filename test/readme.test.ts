/** README.md, programs of docs/ and the picture in ARCHITECTURE.md: all is true. */
import { execFile } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { heapBytes } from '#src/api/heap.js';
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
import { checkSentence, oracleSentence } from '../scripts/readme.mjs';
import { ptfrag } from './fixtures/command.js';
import { installed, patch, withoutGrace } from './fixtures/installed.js';
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
const read = (path: string): string => readFileSync(ROOT + path, 'utf8');
const README = read('README.md');
const run = promisify(execFile);

/** The code blocks below a heading. */
function blocksBelow(page: string, heading: string): string[] {
  const text = read(page);
  const from = text.indexOf(`\n## ${heading}\n`);
  expect(from, heading).toBeGreaterThan(0);
  const end = text.indexOf('\n## ', from + 1);
  const part = text.slice(from, end < 0 ? undefined : end);
  return [...part.matchAll(/^```\w*\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? '');
}

/** What stands between the marks of that name. */
function madeIn(name: string): string {
  const [, block] = README.split(new RegExp(`^<!-- /?${name} -->$\n?`, 'm'));
  return block?.trimEnd() ?? '';
}

describe('the README', () => {
  it('fits in 175 lines of at most 100 columns', () => {
    const lines = README.trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(175);
    expect(lines.filter((line) => [...line].length > 100 && !line.startsWith('|'))).toEqual([]);
  });

  it('names limits that are those of the code', () => {
    expect(README).toContain(`${THREADS_MAX} threads at a time`);
    expect(README).toContain('at most 4 GiB');
    expect(() => heapBytes({ pages: 2 ** 20 })).toThrow('over 4 GiB');
  });
});

describe("a page's life in ARCHITECTURE.md", () => {
  interface Step {
    readonly what: string;
    readonly states: string | undefined;
  }

  const [drawing = ''] = blocksBelow('ARCHITECTURE.md', "A page's life");
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

/** For examples/pool/worker.mjs, inside `read`. */
const TAKE_ALL = `if (result.reads === 0) {
      const other = thread.tryAllocTable(pool);
      if (other !== null) {
        const old = memory.exchange(at(directory, slot), other);
        if (old !== 0) thread.freeTable(pool, old);
      }
      for (let times = 0; times < 4096; times++) {
        const taken = thread.tryAllocTable(pool);
        if (taken === null) break;
        memory.fill(taken, BLOCK_WORDS, -1);
        thread.freeTable(pool, taken);
      }
    }`;

describe('the examples', () => {
  const folders: string[] = [];
  const inFolder = (dist?: string): string => {
    folders.push(installed(dist));
    return folders.at(-1) as string;
  };
  afterAll(() => {
    for (const folder of folders) rmSync(folder, { recursive: true });
  });

  it('of the README runs as a file of its own, and ends when much was read', async () => {
    const file = join(inFolder(), 'block.mjs');
    const [code = ''] = blocksBelow('README.md', 'As a library');
    expect(code).toContain("from 'ptfrag'");
    writeFileSync(file, code);
    const { stdout, stderr } = await run(process.execPath, [file]);
    expect(stderr).toBe('');
    // The writer goes on until the reader has counted so many versions, and the reader counts.
    expect(stdout).toBe('100 versions read, none torn\n');
  });

  it.each([
    ['docs/start.md', 'A program'],
    ['docs/survive.md', 'In Node'],
  ])('of %s prints what the page shows', async (path, heading) => {
    const file = join(inFolder(), 'shown.mjs');
    const [code = '', output] = blocksBelow(path, heading);
    expect(code).toContain("from 'ptfrag'");
    writeFileSync(file, code);
    expect((await run(process.execPath, [file], { cwd: dirname(file) })).stdout).toBe(output);
  });

  it('of a checked lock shows the race, and holds as its comment says', async () => {
    const file = join(inFolder(), 'lock.mjs');
    const [code = ''] = blocksBelow('README.md', 'Checking code of your own');
    expect(code.trimEnd().split('\n').length).toBeLessThanOrEqual(15);
    writeFileSync(file, code);
    const { stdout } = await run(process.execPath, [file]);
    expect(stdout).toMatch(/^race: .* plain write by thread \d are not ordered$/m);
    expect(stdout).toMatch(/^thread 0 +thread 1$/m);
    const [, lock = ''] = /\/\/ (cas\(.*\)) would hold$/m.exec(code) ?? [];
    writeFileSync(file, code.replace('memory.load(LOCK) !==', `memory.${lock} !==`));
    expect((await run(process.execPath, [file])).stdout).toBe('holds\n');
  });

  it('of CONTRIBUTING.md leads from a mutant to a schedule, and to a stack', async () => {
    const commands = blocksBelow('CONTRIBUTING.md', 'Debug one scenario').map((block) => {
      const [first = '', ...shown] = block.trimEnd().split('\n');
      return { args: first.replace(/^\$ node /, '').split(' '), shown };
    });
    expect(commands).toHaveLength(2);
    for (const { args, shown } of commands) {
      const { stdout } = await run(process.execPath, args, { cwd: ROOT });
      // Lines of code move: what is shown stands there but for those.
      const lines = shown.map((line) => line.replace(/(?:\(….*\)|…)$/, ''));
      for (const line of lines) expect(stdout).toContain(`\n${line}`.replace(/^\nInv/, 'Inv'));
    }
  });

  it('of the lock prints what its README shows', async () => {
    const { stdout } = await run(process.execPath, [`${ROOT}examples/lock/main.mjs`]);
    const text = readFileSync(`${ROOT}examples/lock/README.md`, 'utf8');
    expect(text).toContain(`\n\`\`\`\n$ node examples/lock/main.mjs\n${stdout}\`\`\`\n`);
    expect(stdout).toMatch(/^broken lock: violated$/m);
    expect(stdout).toMatch(/^fixed lock: holds$/m);
  });

  it('of the classics prints what its README shows, and how each fails', async () => {
    const example = `${ROOT}examples/classics/main.mjs`;
    const { stdout } = await run(process.execPath, [example]);
    const text = readFileSync(`${ROOT}examples/classics/README.md`, 'utf8');
    expect(text).toContain(`\n\`\`\`\n$ node examples/classics/main.mjs\n${stdout}\`\`\`\n`);
    expect(stdout.match(/^\S+ +(?:race|progress|result) +holds +[\d,]+$/gm)).toHaveLength(15);
    const shown = await run(process.execPath, [example, 'lost-wakeup']);
    expect(shown.stdout).toMatch(/^wait +BELL sleeps$/m);
    const unknown = run(process.execPath, [example, 'nix']);
    await expect(unknown).rejects.toMatchObject({ code: 2, stderr: /nix: lost-update, / });
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

  it('of the pool sees a torn read where there are no grace periods, and only there', async () => {
    const broken = withoutGrace();
    folders.push(broken);
    for (const dist of [undefined, join(broken, 'dist')]) {
      const pool = join(inFolder(dist), 'pool');
      cpSync(`${ROOT}examples/pool`, pool, { recursive: true });
      // In the middle of its first read a worker frees that block, and takes all that it can get.
      const first = 'const first = memory.load(block);';
      patch(join(pool, 'worker.mjs'), first, `${first}\n    ${TAKE_ALL}`);
      const { code, stdout } = await run(process.execPath, [join(pool, 'main.mjs')]).then(
        ({ stdout }) => ({ code: 0, stdout }),
        (error: { code: number; stdout: string }) => error,
      );
      expect(code).toBe(dist === undefined ? 0 : 1);
      expect(stdout).toMatch(dist === undefined ? /^torn reads +0,/m : /^torn reads +[1-9]/m);
    }
  });
});

describe('the figures of the README (npm run docs:readme)', () => {
  it('has the sums of the table in docs/oracle.md, which is held against the oracle', () => {
    const rows = read('docs/oracle.md').match(/^\| \S+\.(?:canon|frag) \|.*$/gm) ?? [];
    const numbers = rows.map((row) => row.replaceAll(',', '').split(' | ').map(Number));
    const document = numbers.map(([, allocations, matched]) => ({ allocations, matched }));
    expect(document).toHaveLength(11);
    expect(madeIn('oracle')).toBe(oracleSentence({ rows: document }));
  });

  it('has the numbers of scenarios and mutants that there are', () => {
    // What compare gives is held in cli/recordings.test.ts; what they take is counted in
    // checker/proof/catalogue.test.ts, which explores them.
    const [executions = 0, steps = 0] = ['executions', 'steps'].map((what) =>
      Number(new RegExp(`([\\d,]+) ${what}`).exec(madeIn('check'))?.[1]?.replaceAll(',', '')),
    );
    expect(madeIn('check')).toBe(checkSentence({ executions, steps }));
  });

  it('names commands that there are', async () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const [shown = ''] = blocksBelow('README.md', 'Run');
    const commands = [...shown.matchAll(/^\$ (.*?) +#/gm)].map(([, command = '']) => command);
    expect(commands).toEqual(expect.arrayContaining(['npm start', 'npm test']));
    for (const command of commands) {
      const [, script, job = ''] =
        /^npm (\w+)$|^node dist\/cli\/main\.js (\w+)$/.exec(command) ?? [];
      if (script !== undefined) expect(Object.keys(scripts), command).toContain(script);
      else expect((await ptfrag([job, '--help'])).status, command).toBe(0);
    }
  });
});
