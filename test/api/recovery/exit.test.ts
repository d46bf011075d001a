/** What a worker leaves is recovered once it ends: in Node by its event, elsewhere by a lock. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { type AttachedThread, attach, createHeap } from '#src/api/index.js';
import { createSpace } from '#src/api/pgtable/index.js';
import {
  holdLifeLock,
  type LifeLocks,
  recoverAtExit,
  recoverAtRelease,
} from '#src/api/recovery/index.js';
import type { KindId, MmId } from '#src/core/base/units.js';
import { allocHeld } from '#src/core/frag/alloc.js';
import { ownerOf } from '#src/core/frag/mm.js';
import { acquire, release } from '#src/core/mem/lock.js';

const ENDING = new URL('../../support/ending.mjs', import.meta.url);

function begin(how: string): { thread: AttachedThread; worker: Worker } {
  const { buffer } = createHeap({ geometry: 'riscv-sv39', pages: 600, mmsMax: 4 });
  const thread = attach(buffer);
  const resourceLimits = { maxOldGenerationSizeMb: how === 'runs out of memory' ? 24 : 1000 };
  const workerData = { buffer, mm: createSpace(thread).mm, how };
  const worker = new Worker(ENDING, { workerData, stderr: true, resourceLimits });
  // What it throws is meant.
  worker.on('error', () => {});
  return { thread, worker };
}

describe('recoverAtExit', () => {
  it.each(['returns from its file', 'throws inside a section', 'is attached to many heaps'])(
    'finds nothing of a worker that %s',
    async (how) => {
      const { thread, worker } = begin(how);
      expect(await recoverAtExit(thread, worker)).toEqual([]);
    },
  );

  it.each(['runs out of memory', 'attaches while it exits'])(
    'recovers what a worker leaves that %s',
    async (how) => {
      const { thread, worker } = begin(how);
      expect(await recoverAtExit(thread, worker)).toMatchObject([{ name: 'late' }]);
      expect(thread.threads()).toHaveLength(1);
    },
  );

  it('ends the section of a worker that was terminated there', async () => {
    const { thread, worker } = begin('waits inside a section');
    const recovered = recoverAtExit(thread, worker);
    await once(worker, 'message');
    await worker.terminate();
    expect(await recovered).toHaveLength(1);
    thread.synchronize({ stallMs: 0 });
    expect(thread.check({ drained: true })).toEqual([]);
  });

  it('waits while somebody is in the way, and gives up in the end', async () => {
    const { thread } = begin('returns from its file');
    const { buffer } = createHeap({ pages: 4 });
    const [one, dead, slow] = [3, 4, 5].map((worker) =>
      attach(buffer, { worker, lockStallMs: 1 }),
    ) as [AttachedThread, AttachedThread, AttachedThread];
    const mm = one.createMm() as MmId;
    allocHeld(dead.attachment.operations.here(), mm, 0 as KindId);
    const core = slow.attachment.operations.here();
    const lock = ownerOf(core.heap, mm);
    acquire(core, lock);
    const exited = { threadId: 4, once: (_: 'exit', listener: () => void) => listener() };
    await expect(recoverAtExit(one, exited, { stallMs: 0 })).rejects.toMatchObject({
      code: 'stalled',
    });
    const later = recoverAtExit(one, exited);
    setTimeout(() => release(core, lock), 30);
    expect(await later).toHaveLength(1);
    thread.detach();
    await expect(recoverAtExit(thread, exited)).rejects.toMatchObject({ code: 'detached' });
  });

  it('refuses a worker that has exited', async () => {
    const { thread, worker } = begin('returns from its file');
    await once(worker, 'exit');
    await expect(recoverAtExit(thread, worker)).rejects.toMatchObject({ code: 'bad-worker' });
  });
});

/** As a browser's, of which a worker's end releases what it holds. */
class FakeLocks implements LifeLocks {
  private readonly queues = new Map<string, (() => Promise<void> | void)[]>();
  private readonly held = new Map<string, () => void>();

  async request(name: string, callback: () => Promise<void> | void): Promise<unknown> {
    while (this.held.has(name)) {
      await new Promise<void>((resolve) => {
        this.queues.set(name, [...(this.queues.get(name) ?? []), resolve]);
      });
    }
    const ended = new Promise<void>((resolve) => this.held.set(name, resolve));
    await Promise.race([callback(), ended]);
    this.end(name);
    return undefined;
  }

  async query(): Promise<{ held: { name: string }[] }> {
    return { held: [...this.held.keys()].map((name) => ({ name })) };
  }

  /** The end of who holds a lock. */
  end(name: string): void {
    this.held.get(name)?.();
    this.held.delete(name);
    const [next, ...others] = this.queues.get(name) ?? [];
    this.queues.set(name, others);
    void next?.();
  }
}

describe('a lock for life', () => {
  it('is released by the end of a worker, which is recovered then and not before', async () => {
    const locks = new FakeLocks();
    const { buffer } = createHeap({ pages: 4 });
    const thread = attach(buffer, { worker: 1 });
    await holdLifeLock('worker 2', locks);
    const dead = attach(buffer, { worker: 2 });
    dead.readLock();
    let count = -1;
    const recovered = recoverAtRelease(thread, 2, 'worker 2', { locks }).then((all) => {
      count = all.length;
    });
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect([count, thread.threads().length]).toEqual([-1, 2]);
    locks.end('worker 2');
    await recovered;
    expect([count, thread.threads().length]).toEqual([1, 1]);
  });

  it('that nobody holds says nothing of a worker: it is not recovered', async () => {
    const { buffer } = createHeap({ pages: 4 });
    const [thread, alive] = [attach(buffer, { worker: 1 }), attach(buffer, { worker: 2 })];
    const locks = new FakeLocks();
    await expect(recoverAtRelease(thread, 2, 'worker 2', { locks })).rejects.toMatchObject({
      code: 'no-life-lock',
    });
    expect(thread.threads()).toHaveLength(2);
    alive.detach();
  });

  it('needs Web Locks, and a name that is free for use', async () => {
    await expect(holdLifeLock('a', {} as LifeLocks)).rejects.toMatchObject({ code: 'no-locks' });
    await expect(holdLifeLock('-a', new FakeLocks())).rejects.toMatchObject({
      code: 'bad-option',
    });
  });
});
