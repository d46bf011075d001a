/** A worker that ends while it is attached has left its heaps, where Node tells of its end. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { type AttachedThread, attach, createHeap, StallError } from '#src/api/index.js';
import { type AddressSpace, createSpace } from '#src/api/pgtable/index.js';

const ENDING = new URL('../support/ending.mjs', import.meta.url);

interface Stage {
  readonly thread: AttachedThread;
  readonly space: AddressSpace;
  readonly worker: Worker;
  readonly ended: Promise<unknown>;
}

function begin(how: string): Stage {
  const { buffer } = createHeap({ geometry: 'riscv-sv39', pages: 600, mmsMax: 4 });
  const thread = attach(buffer);
  const space = createSpace(thread);
  const resourceLimits = { maxOldGenerationSizeMb: how === 'runs out of memory' ? 24 : 1000 };
  const given = { workerData: { buffer, mm: space.mm, how }, stderr: true, resourceLimits };
  const worker = new Worker(ENDING, given);
  // What it throws is meant; `once` would reject with it.
  worker.on('error', () => {});
  const ended = new Promise((resolve) => worker.on('exit', resolve));
  return { thread, space, worker, ended };
}

const attached = ({ thread }: Stage): number => thread.threads().length;

describe('a worker that is attached and', () => {
  it.each([
    'returns from its file',
    'throws',
    'calls process.exit',
    'leaves a rejection to itself',
    'returns inside a section',
    'throws inside a section',
    'calls process.exit inside a section',
    'calls process.exit while it maps in slices',
    'is attached to many heaps',
  ])('%s has left', async (how) => {
    const stage = begin(how);
    const messages: unknown[] = [];
    stage.worker.on('message', (message) => messages.push(message));
    await stage.ended;
    expect(messages).toEqual([]);
    expect(attached(stage)).toBe(1);
    expect(stage.thread.blocker()).toBeNull();
    // Counted out as a user, and nothing is mapped: who ends the space would be refused.
    expect(stage.space.unmapRange(0, 2 ** 29)).toBe(0);
    stage.space.exit();
    stage.thread.barrier();
    expect(stage.thread.check({ drained: true })).toEqual([]);
  });

  it('ends without notice stays, and is seen to have been in a section', async () => {
    const stage = begin('waits inside a section');
    await once(stage.worker, 'message');
    await stage.worker.terminate();
    expect(stage.thread.threads()).toMatchObject([{ isReading: false }, { isReading: true }]);
    // Nobody waits, so nobody is held up, and nothing of the heap is as it must not be.
    expect(stage.thread.blockers()).toEqual([]);
    expect(stage.thread.check()).toEqual([]);
    const [, dead] = stage.thread.threads();
    expect(() => stage.thread.synchronize({ stallMs: 0 })).toThrow(StallError);
    expect(stage.thread.blocker()).toMatchObject({ cause: 'reader', thread: dead?.thread });
  });

  it.each(['runs out of memory', 'attaches while it exits'])('%s stays', async (how) => {
    const stage = begin(how);
    await stage.ended;
    expect(stage.thread.threads().at(-1)?.name).toBe('late');
    expect(attached(stage)).toBe(2);
  });

  it('catches what it throws has not ended, and stays', async () => {
    const stage = begin('catches what it throws');
    await once(stage.worker, 'message');
    expect(attached(stage)).toBe(2);
    stage.worker.postMessage('end');
    await stage.ended;
    expect(attached(stage)).toBe(1);
  });
});
