/** Workers that are terminated at work, again and again: each is recovered, and nothing is lost. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterAll, describe, expect, it } from 'vitest';
import { type AttachedThread, attach, createHeap, type MmId } from '#src/api/index.js';
import { createSpace, openSpace } from '#src/api/pgtable/index.js';
import { recoverAtExit } from '#src/api/recovery/index.js';
import { LONG } from '../../support/long.js';

const KILLED = new URL('../../support/killed.mjs', import.meta.url);

/** Workers that are ended one after another, while others of them go on. */
const KILLS = LONG ? 350 : 5;
const AT_WORK = 2;

/** Pages that are mapped and unmapped; of the heap, too few for all that is wanted at times. */
const MAPPED = 4096;
const PAGES = 48;

interface Scene {
  readonly thread: AttachedThread;
  readonly buffer: ArrayBufferLike;
  readonly mm: MmId;
  seed: number;
}

interface AtWork {
  readonly worker: Worker;
  readonly recovered: Promise<readonly unknown[]>;
  /** What it ended by, if it did so by itself. */
  readonly errors: unknown[];
}

async function start(scene: Scene): Promise<AtWork> {
  const { thread, buffer, mm } = scene;
  const workerData = { buffer, mm, seed: scene.seed++, pages: MAPPED };
  const worker = new Worker(KILLED, { workerData });
  const recovered = recoverAtExit(thread, worker);
  const errors: unknown[] = [];
  worker.on('error', (error) => errors.push(error));
  await Promise.race([once(worker, 'message'), recovered]);
  return { worker, recovered, errors };
}

async function kill({ worker, recovered, errors }: AtWork): Promise<void> {
  await worker.terminate();
  const { length } = await recovered;
  expect(errors).toEqual([]);
  expect(length).toBe(1);
}

/** Pages that are free once every space has ended, of all. */
function endAll(thread: AttachedThread): { readonly free: number; readonly limit: number } {
  // A fork's child that was whole, and was not ended yet, is nobody's.
  for (const mm of thread.mms()) openSpace(thread, mm).exit();
  thread.barrier();
  return thread.pages();
}

describe.each(['s390', 'powerpc-radix-64k', 'riscv-sv39'])('on %s', (geometry) => {
  const all: AtWork[] = [];
  afterAll(async () => {
    await Promise.all(all.map(kill));
  });

  it(`${KILLS} workers that are terminated leave nothing behind`, async () => {
    const { buffer } = createHeap({ geometry, pages: PAGES, mmsMax: 8, threadsMax: 8 });
    const thread = attach(buffer, { lockStallMs: 50 });
    const scene: Scene = { thread, buffer, mm: createSpace(thread).mm, seed: 1 };
    for (let count = 0; count < AT_WORK; count++) all.push(await start(scene));
    for (let kills = 0; kills < KILLS; kills++) {
      const [oldest] = all.splice(0, 1) as [AtWork];
      await kill(oldest);
      all.push(await start(scene));
    }
    for (const each of all.splice(0)) await kill(each);
    expect(thread.threads()).toHaveLength(1);
    for (const mm of thread.mms()) expect(openSpace(thread, mm).check()).toEqual([]);
    const { free, limit } = endAll(thread);
    expect(thread.check({ drained: true })).toEqual([]);
    expect(free).toBe(limit);
  }, 600_000);
});
