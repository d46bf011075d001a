/** What a thread leaves that died at some instant is recovered by another, through the library. */
import { describe, expect, it } from 'vitest';
import {
  type AttachedThread,
  attach,
  createHeap,
  type HeapOptions,
  StallError,
} from '#src/api/index.js';
import { createSpace, openSpace, PROT } from '#src/api/pgtable/index.js';
import { recover } from '#src/api/recovery/index.js';
import type { KindId, MmId } from '#src/core/base/units.js';
import { allocHeld } from '#src/core/frag/alloc.js';
import { ownerOf } from '#src/core/frag/mm.js';
import type { Thread } from '#src/core/mem/heap.js';
import { acquire, release } from '#src/core/mem/lock.js';
import { SUPPLY_LOCK } from '#src/core/mem/supply.js';
import { attachThread, detachThread } from '#src/core/rcu/attach.js';
import { claim } from '#src/core/rcu/attached.js';

const DEAD = 700;
const OTHER = 800;

interface Scene {
  readonly buffer: ArrayBufferLike;
  readonly thread: AttachedThread;
  /** Does its last step somewhere in a test. */
  readonly dead: AttachedThread;
}

function makeScene(options: Partial<HeapOptions> = {}): Scene {
  const { buffer } = createHeap({ geometry: 'riscv-sv39', pages: 64, threadsMax: 4, ...options });
  const thread = attach(buffer, { lockStallMs: 20 });
  const dead = attach(buffer, { worker: DEAD, name: 'pager' });
  return { buffer, thread, dead };
}

/** For what no public method does: to stop in the middle of one. */
const coreOf = (thread: AttachedThread): Thread => thread.attachment.operations.here();

/** The heap is whole, and nobody waits for anybody. */
function checkWhole({ thread }: Scene): void {
  thread.barrier({ stallMs: 1000 });
  expect(thread.check({ drained: true })).toEqual([]);
  expect(thread.blockers()).toEqual([]);
}

describe('recover', () => {
  it('ends the section of a dead reader, and gives its record back', () => {
    const scene = makeScene();
    const { thread, dead, buffer } = scene;
    dead.readLock();
    expect(() => thread.synchronize({ stallMs: 0 })).toThrow(StallError);
    const [, info] = thread.threads();
    expect(info).toMatchObject({ worker: DEAD, name: 'pager', isReading: true });
    expect(recover(thread, DEAD)).toEqual([
      { thread: dead.id, name: 'pager', attachedAtMs: info?.attachedAtMs },
    ]);
    expect(thread.threads()).toHaveLength(1);
    checkWhole(scene);
    expect(attach(buffer).id).toBe(dead.id);
  });

  it('recovers all that a thread had attached, once', () => {
    const scene = makeScene();
    const again = attach(scene.buffer, { worker: DEAD });
    scene.dead.readLock();
    again.readLock();
    expect(recover(scene.thread, DEAD)).toHaveLength(2);
    expect(recover(scene.thread, DEAD)).toEqual([]);
    checkWhole(scene);
  });

  it('touches nobody else: not the next one in the record, nor one of unknown number', () => {
    const { thread, dead, buffer } = makeScene();
    dead.detach();
    const next = attach(buffer, { worker: OTHER });
    const unknown = attachThread(coreOf(thread).heap, 'epoch');
    expect(next.id).toBe(dead.id);
    next.readLock();
    expect(recover(thread, DEAD)).toEqual([]);
    expect(thread.threads().map(({ worker }) => worker)).toEqual([expect.any(Number), OTHER, null]);
    expect(() => thread.synchronize({ stallMs: 0 })).toThrow(StallError);
    next.readUnlock();
    detachThread(unknown);
  });

  it('lets go of the locks that a thread died with', () => {
    const scene = makeScene();
    const { thread, dead } = scene;
    const mm = dead.createMm();
    const core = coreOf(dead);
    acquire(core, ownerOf(core.heap, mm as MmId));
    acquire(core, SUPPLY_LOCK);
    expect(() => thread.allocTable(mm)).toThrow(StallError);
    recover(thread, DEAD);
    thread.freeTable(mm, thread.allocTable(mm));
    thread.destroyMm(mm);
    checkWhole(scene);
  });

  it('throws while somebody who lives is in the way, and works when that has gone on', () => {
    const scene = makeScene();
    const { thread, dead, buffer } = scene;
    const alive = coreOf(attach(buffer, { worker: OTHER, name: 'slow' }));
    const mm = dead.createMm();
    // As if it had died before it gave the table to who asked for it.
    allocHeld(coreOf(dead), mm as MmId, 0 as KindId);
    const lock = ownerOf(alive.heap, mm as MmId);
    acquire(alive, lock);
    for (const _ of [1, 2]) {
      expect(() => recover(thread, DEAD)).toThrow(
        expect.objectContaining({
          name: 'StallError',
          threadName: 'slow',
          what: 'recover: waiting for another thread',
          unfinished: 'what thread 1 (pager) left is not recovered yet: call recover again',
        }),
      );
    }
    release(alive, lock);
    expect(recover(thread, DEAD)).toHaveLength(1);
    thread.destroyMm(mm);
    checkWhole(scene);
  });

  it('takes a user of an mm away who died', () => {
    const scene = makeScene();
    const { thread, dead } = scene;
    const mm = thread.createMm();
    dead.enterMm(mm);
    dead.enterMm(mm);
    expect(() => thread.destroyMm(mm)).toThrow(expect.objectContaining({ code: 'mm-in-use' }));
    recover(thread, DEAD);
    thread.destroyMm(mm);
    checkWhole(scene);
  });

  it('recovers what a dead thread was recovering', () => {
    const scene = makeScene();
    const { thread, dead, buffer } = scene;
    const recoverer = attach(buffer, { worker: OTHER });
    dead.readLock();
    expect(claim(coreOf(recoverer), dead.id, DEAD)).not.toBeNull();
    // It is being recovered, so there is nothing to do, until who does it dies.
    expect(recover(thread, DEAD)).toEqual([]);
    const recovered = recover(thread, OTHER);
    expect(recovered.map((each) => each.thread)).toEqual([dead.id, recoverer.id]);
    checkWhole(scene);
  });

  it.each([
    ['no whole number', 0.5, 'bad-worker'],
    ['too large', 2 ** 22, 'bad-worker'],
    ['nothing', undefined, 'bad-worker'],
  ])('refuses a number that is %s', (_, worker, code) => {
    const { thread } = makeScene();
    expect(() => recover(thread, worker as number)).toThrow(expect.objectContaining({ code }));
  });

  it('refuses the number of the thread that calls', () => {
    const { dead } = makeScene();
    expect(() => recover(dead, DEAD)).toThrow(
      expect.objectContaining({
        code: 'own-worker',
        message: expect.stringContaining(`recover: worker is ${DEAD}; that is this thread itself`),
      }),
    );
  });
});

describe('a space that a thread was making when it died', () => {
  const PAGE = 4096;

  it('is ended, if it was a fork in slices that had come half-way', async () => {
    const scene = makeScene({ pages: 200 });
    const { thread, dead } = scene;
    const parent = createSpace(thread);
    for (let at = 0; at < 40; at++) parent.mapPage(at * 512 * PAGE, at * PAGE, PROT.read);
    const { free } = thread.pages();
    let slices = 0;
    // It never goes on: the promise is as if its thread had died.
    void openSpace(dead, parent.mm).forkAsync({
      onProgress: (done) => {
        slices++;
        return done > 0 ? new Promise(() => {}) : undefined;
      },
    });
    await expect.poll(() => slices).toBeGreaterThan(0);
    expect(thread.pages().free).toBeLessThan(free);
    recover(thread, DEAD);
    parent.exit();
    checkWhole(scene);
    expect(thread.pages().free).toBe(thread.pages().limit);
  });

  it('stays, if it was made', () => {
    const scene = makeScene();
    const { thread, dead } = scene;
    const made = createSpace(dead);
    made.mapPage(0, PAGE, PROT.read);
    const child = made.fork();
    recover(thread, DEAD);
    for (const { mm } of [made, child]) {
      const space = openSpace(thread, mm);
      expect(space.unmapRange(0, PAGE)).toBe(1);
      space.exit();
    }
    checkWhole(scene);
  });
});
