/** Asynchronous waits: they end, whatever else the process has to do, and with their thread. */
import { execFile } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { attach, createHeap } from 'ptfrag';
import { afterAll, describe, expect, it } from 'vitest';
import { installed } from '../fixtures/installed.js';

const run = promisify(execFile);

const HEAP = `
import { attach, createHeap } from 'ptfrag';
const kinds = [{ name: 'block', bytes: 256, perPage: 16, slotBytes: 256 }];
const { buffer } = createHeap({ geometry: { name: 'pool', pageBytes: 4096, kinds }, pages: 4 });
const [one, two] = [attach(buffer), attach(buffer)];
`;

describe('in a process that has nothing else to do', () => {
  const folder = installed();
  afterAll(() => rmSync(folder, { recursive: true }));

  const outputOf = async (program: string): Promise<string> => {
    const file = join(folder, 'program.mjs');
    writeFileSync(file, HEAP + program);
    return (await run(process.execPath, [file])).stdout;
  };

  it('a wait that stalls says so', async () => {
    const program = `
      one.readLock();
      await two.synchronizeAsync({ stallMs: 20 }).catch((error) => console.log(error.name));
      await two.barrierAsync({ stallMs: 20 }).then(() => console.log('barrier'));`;
    expect(await outputOf(program)).toBe('StallError\nbarrier\n');
  });

  it('a wait for the grace period after the one under way ends', async () => {
    const program = `
      const pool = one.createMm();
      const [a, b] = [one.allocTable(pool), one.allocTable(pool)];
      two.readLock();
      one.freeTable(pool, a);
      one.poll();
      two.readUnlock();
      one.freeTable(pool, b);
      await one.synchronizeAsync();
      await one.barrierAsync();
      console.log('over');`;
    expect(await outputOf(program)).toBe('over\n');
  });

  it('a signal that was aborted is heard where nothing is waited for', async () => {
    const program = `
      const signal = AbortSignal.abort(new Error('enough'));
      await one.synchronizeAsync({ signal }).catch((error) => console.log(error.message));
      await two.barrierAsync({ signal }).catch((error) => console.log(error.message));`;
    expect(await outputOf(program)).toBe('enough\nenough\n');
  });

  it('a wait that is over holds the process up no longer', async () => {
    const program = `
      await one.synchronizeAsync();
      const begin = performance.now();
      process.on('exit', () => console.log(performance.now() - begin < 5_000));`;
    expect(await outputOf(program)).toBe('true\n');
  });
});

describe('a thread that detaches', () => {
  const pool = { name: 'pool', pageBytes: 4096, kinds: [{ name: 'a', bytes: 256, perPage: 16 }] };

  it.each(['synchronizeAsync', 'barrierAsync'] as const)('gives up its %s', async (name) => {
    const { buffer } = createHeap({ geometry: pool, pages: 4 });
    const [waiter, reader] = [attach(buffer), attach(buffer)];
    const mm = waiter.createMm();
    reader.readLock();
    waiter.freeTable(mm, waiter.allocTable(mm));
    const waiting = waiter[name]();
    waiter.detach();
    const next = attach(buffer);
    expect(next.id).toBe(waiter.id);
    next.readLock();
    await expect(waiting).rejects.toMatchObject({ name: 'UsageError', code: 'detached' });
    // Its section is its own: nobody has left it.
    expect(() => next.readUnlock()).not.toThrow();
    reader.readUnlock();
  });

  it('cannot leave the section of the thread that has its record now', () => {
    const { buffer } = createHeap({ geometry: pool, pages: 4 });
    const first = attach(buffer);
    first.detach();
    const second = attach(buffer);
    expect(second.id).toBe(first.id);
    second.readLock();
    expect(() => first.readUnlock()).toThrow(/has left the heap/);
    expect(() => second.readUnlock()).not.toThrow();
  });
});
