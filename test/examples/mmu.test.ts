/** The machine whose MMU is the library: its guest's sums are right, and wrong where it must be. */
import { execFile } from 'node:child_process';
import { cpSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { installed, patch, withoutGrace } from '../fixtures/installed.js';

const EXAMPLE = fileURLToPath(new URL('../../examples/mmu/', import.meta.url));
const ROUNDS = '15';
const run = promisify(execFile);

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

interface Driven {
  /** What the guest reads where it wrote 2, after 1. */
  readonly read: number;
  /** Pages that have a frame which was unmapped, while a CPU may read it and afterwards. */
  readonly uses: { readonly inside: number; readonly after: number };
}

const RIGHT: Driven = { read: 2, uses: { inside: 1, after: 0 } };

/** What to replace in the example, and what shows then. */
const PLANTED = {
  'a frame is given back without waiting': {
    file: 'host.mjs',
    from: 'await this.thread.synchronizeAsync();\n    for (const [at, frame] of mapped)',
    to: 'for (const [at, frame] of mapped)',
    shows: { ...RIGHT, uses: { inside: 0, after: 0 } },
  },
  'a copy from the store is used that may be old': {
    file: 'pager.mjs',
    from: 'if (this.lock(span, version))',
    to: 'this.lock(span, version);',
    shows: { ...RIGHT, read: 1 },
  },
};

const start = (file: string): Promise<{ stdout: string; stderr: string }> =>
  run(process.execPath, [file, ROUNDS]);

/** What drive-mmu.mjs finds in that copy of the example. */
async function drive(folder: string): Promise<Driven> {
  const driver = fileURLToPath(new URL('drive-mmu.mjs', import.meta.url));
  return JSON.parse((await run(process.execPath, [driver, folder])).stdout);
}

/** A copy of the example, to break something in. */
function copyOf(dist?: string): string {
  const folder = installed(dist);
  folders.push(folder);
  cpSync(EXAMPLE, join(folder, 'mmu'), { recursive: true });
  return join(folder, 'mmu');
}

/** The names at the beginning of the lines of a report. */
const namesIn = (text: string): string[] =>
  [...text.matchAll(/^(\w+(?: \w+)?) {2,}\S/gm)].map(([, name = '']) => name);

describe('the example of an MMU', () => {
  it('has right sums while pages move under it, and gives everything back', async () => {
    const { stdout } = await start(`${EXAMPLE}main.mjs`);
    for (const name of ['sums', 'memory', 'instants']) {
      expect(stdout).toMatch(new RegExp(`^${name} +right$`, 'm'));
    }
    expect(stdout).toMatch(/^frames +(\S+) of \1 are back$/m);
    expect(stdout).toMatch(/^tables +(\S+) of \1 pages are back$/m);
    expect(stdout).toMatch(/^rules +all hold$/m);
    // What moved: without it the rest says nothing.
    expect(stdout).toMatch(/^faults +[1-9]/m);
    expect(stdout).toMatch(/^paged out +[1-9]/m);
    expect(stdout).toMatch(/^collapsed +[1-9]/m);
    expect(stdout).toMatch(/^snapshots +[1-9]\S*, for which the guest copied [1-9]/m);
    const shown = namesIn(readFileSync(`${EXAMPLE}README.md`, 'utf8'));
    expect(shown).toEqual(namesIn(stdout));
  });

  it('reads what it wrote, and keeps a frame until its readers have left', async () => {
    expect(await drive(copyOf())).toEqual(RIGHT);
  });

  it.each(Object.entries(PLANTED))('shows it if %s', async (_, { file, from, to, shows }) => {
    const folder = copyOf();
    patch(join(folder, file), from, to);
    expect(await drive(folder)).toEqual(shows);
  });

  it('shows a build without grace periods', async () => {
    const broken = withoutGrace();
    folders.push(broken);
    const shows = { ...RIGHT, uses: { inside: 0, after: 0 } };
    expect(await drive(copyOf(join(broken, 'dist')))).toEqual(shows);
  });

  it('has an assembler whose words are those of LLVM', async () => {
    const { assemble } = await import(pathToFileURL(`${EXAMPLE}assemble.mjs`).href);
    const words = assemble(`
      ld t3, -8(a4)
      sd t2, -2048(a1)
      sd t1, 2047(a0)
      addi a0, a0, -2048
      add a2, a2, t0
      bne a0, a1, -4096
      bne a0, t3, 4094
      amoadd.w a0, a1, (a2)
      ecall
    `) as number[];
    expect(words.map((word) => (word >>> 0).toString(16).padStart(8, '0'))).toEqual([
      ...['ff873e03', '8075b023', '7e653fa3', '80050513', '00560633'],
      ...['80b51063', '7fc51fe3', '00b6252f', '00000073'],
    ]);
  });
});
