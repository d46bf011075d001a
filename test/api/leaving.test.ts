/** A worker that ends while it is attached has left its heaps, where Node tells of its end. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { type AttachedThread, attach, createHeap } from '#src/api/index.js';
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
  const worker = new Worker(ENDING, { workerData: { buffer, mm: space.mm, how }, stderr: true });
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

  it('catches what it throws has not ended, and stays', async () => {
    const stage = begin('catches what it throws');
    await once(stage.worker, 'message');
    expect(attached(stage)).toBe(2);
    stage.worker.postMessage('end');
    await stage.ended;
    expect(attached(stage)).toBe(1);
  });
});
