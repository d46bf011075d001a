/** Who holds up a grace period for long, or gives no sign of life, is told; no more is done. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type AttachedThread, attach, createHeap } from '#src/api/index.js';
import {
  beat,
  recover,
  startBeating,
  traceSections,
  type WatchOptions,
  type WatchReport,
  watch,
} from '#src/api/recovery/index.js';
import { enteredAt } from '#src/core/mem/signs.js';

const READER = 31;
const WAITED = '; a grace period has waited for it for';

interface Scene {
  readonly buffer: ArrayBufferLike;
  readonly thread: AttachedThread;
  readonly reader: AttachedThread;
  readonly reports: WatchReport[];
  readonly stop: () => void;
}

function makeScene(options: Partial<WatchOptions> = {}): Scene {
  const { buffer } = createHeap({ pages: 8 });
  const thread = attach(buffer, { worker: 30 });
  const reader = attach(buffer, { worker: READER, name: 'renderer' });
  const reports: WatchReport[] = [];
  const stop = watch(thread, { onReport: (report) => reports.push(report), ...options });
  return { buffer, thread, reader, reports, stop };
}

/** Lets a grace period begin that waits for whoever reads. */
function beginGrace({ thread }: Scene): void {
  const mm = thread.createMm();
  thread.freeTable(mm, thread.allocTable(mm));
  thread.poll();
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('watch', () => {
  it('tells a reader that holds up a grace period, once, and when it has left', () => {
    const scene = makeScene();
    const { reader, reports } = scene;
    reader.readLock();
    beginGrace(scene);
    vi.advanceTimersByTime(1100);
    expect(reports).toEqual([]);
    vi.advanceTimersByTime(200);
    expect(reports).toEqual([
      {
        kind: 'stalled',
        thread: reader.id,
        name: 'renderer',
        attachedAtMs: expect.any(Number),
        worker: READER,
        forMs: 1000,
        enteredAt: null,
        text: `thread 1 (renderer) is inside a read section${WAITED} 1.0 s`,
      },
    ]);
    vi.advanceTimersByTime(1000);
    expect(reports).toHaveLength(1);
    reader.readUnlock();
    scene.thread.poll();
    vi.advanceTimersByTime(200);
    expect(reports.slice(1)).toMatchObject([
      { kind: 'resumed', thread: reader.id, text: 'thread 1 (renderer) goes on after 2.2 s' },
    ]);
  });

  it('says where the section was entered, if its thread notes that', () => {
    const scene = makeScene({ stallMs: 0, everyMs: 1 });
    const { reader, reports } = scene;
    const end = traceSections(reader);
    reader.readLock();
    reader.readLock();
    beginGrace(scene);
    vi.advanceTimersByTime(1);
    const [report] = reports;
    expect(report?.enteredAt).toMatch(/^watch\.test\.ts:\d+:\d+$/);
    expect(report?.text).toContain(`, entered at ${report?.enteredAt}; a grace period`);
    reader.readUnlock();
    reader.readUnlock();
    const endAgain = traceSections(reader);
    for (const _ of [1, 2]) end();
    expect(Object.hasOwn(reader, 'readLock')).toBe(true);
    endAgain();
    reader.readLock();
    expect(enteredAt(reader.attachment.operations.here().heap, reader.id)).toBeNull();
    reader.readUnlock();
    expect(Object.hasOwn(reader, 'readLock')).toBe(false);
  });

  it('is silent of a reader for which nothing waits, and of one that comes and goes', () => {
    const scene = makeScene();
    scene.reader.readLock();
    vi.advanceTimersByTime(5000);
    expect(scene.reports).toEqual([]);
    for (let round = 0; round < 20; round++) {
      beginGrace(scene);
      vi.advanceTimersByTime(200);
      scene.reader.readUnlock();
      scene.thread.poll();
      scene.reader.readLock();
    }
    expect(scene.reports).toEqual([]);
  });

  it('tells a thread that gives no sign of life any more, and no other', () => {
    const scene = makeScene({ silentMs: 300, everyMs: 100 });
    const { thread, reader, reports } = scene;
    startBeating(thread, 100);
    beat(reader);
    vi.advanceTimersByTime(300);
    beat(reader);
    vi.advanceTimersByTime(300);
    expect(reports).toEqual([]);
    vi.advanceTimersByTime(100);
    expect(reports).toMatchObject([
      {
        kind: 'silent',
        worker: READER,
        text: 'thread 1 (renderer) has given no sign of life for 0.3 s',
      },
    ]);
    beat(reader);
    vi.advanceTimersByTime(100);
    expect(reports.at(-1)).toMatchObject({ kind: 'resumed', thread: reader.id });
    vi.advanceTimersByTime(300);
    expect(reports.at(-1)).toMatchObject({ kind: 'silent', worker: READER });
    expect(recover(thread, READER)).toHaveLength(1);
    vi.advanceTimersByTime(1000);
    expect(reports).toHaveLength(4);
    expect(reports.at(-1)).toMatchObject({
      kind: 'gone',
      worker: READER,
      text: 'thread 1 (renderer) has left the heap, or was recovered, after 0.4 s',
    });
  });

  it("says of whom it was over, though the record is another thread's by now", () => {
    const scene = makeScene({ stallMs: 0, everyMs: 1 });
    const { buffer, reader, reports, thread } = scene;
    reader.readLock();
    beginGrace(scene);
    vi.advanceTimersByTime(1);
    recover(thread, READER);
    expect(attach(buffer, { worker: 33, name: 'next' }).id).toBe(reader.id);
    vi.advanceTimersByTime(1);
    expect(reports.at(-1)).toMatchObject({ kind: 'gone', worker: READER, name: 'renderer' });
  });

  it('takes no sign of who had the record before', () => {
    const { buffer, reader, reports } = makeScene({ silentMs: 300, everyMs: 100 });
    const end = traceSections(reader);
    reader.readLock();
    reader.readUnlock();
    end();
    beat(reader);
    reader.detach();
    const next = attach(buffer, { worker: 32 });
    expect(next.id).toBe(reader.id);
    vi.advanceTimersByTime(1000);
    expect(reports).toEqual([]);
    expect(enteredAt(next.attachment.operations.here().heap, next.id)).toBeNull();
  });

  it('ends with its thread, or when it is stopped', () => {
    const scene = makeScene({ stallMs: 0, everyMs: 1 });
    scene.reader.readLock();
    beginGrace(scene);
    scene.stop();
    vi.advanceTimersByTime(10);
    expect([scene.reports.length, vi.getTimerCount()]).toEqual([0, 0]);
    startBeating(scene.reader, 1);
    scene.reader.readUnlock();
    scene.reader.detach();
    vi.advanceTimersByTime(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});
