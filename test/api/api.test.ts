import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import {
  type AttachedThread,
  attach,
  createHeap,
  heapBytes,
  isSupported,
  LimitError,
  OutOfPagesError,
  StallError,
  UnsupportedError,
  UsageError,
} from 'ptfrag';
import { afterEach, describe, expect, it, vi } from 'vitest';

/** The one thing of WebAssembly that is used here; Node's types have none of it. */
declare const WebAssembly: {
  Memory: new (options: {
    initial: number;
    maximum: number;
    shared: true;
  }) => {
    readonly buffer: unknown;
  };
};

/** Code for a worker that attaches to `workerData.buffer` as `thread`. */
function worker(code: string, buffer: SharedArrayBuffer): Worker {
  const text = `
    import { parentPort, workerData } from 'node:worker_threads';
    import { attach } from '${new URL('../../dist/api/index.js', import.meta.url).href}';
    const thread = attach(workerData.buffer, workerData.options);
    ${code}`;
  const url = new URL(`data:text/javascript,${encodeURIComponent(text)}`);
  return new Worker(url, { workerData: { buffer, options: {} } });
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return (error as { code?: string }).code ?? (error as Error).name;
  }
  return 'nothing thrown';
}

function expectWhole(thread: AttachedThread): void {
  thread.barrier();
  thread.barrier();
  expect(thread.check({ drained: true })).toEqual([]);
}

describe('a heap and its threads', () => {
  it('is attached to with the buffer alone, and freed into from another thread', async () => {
    const { buffer } = createHeap({ geometry: 's390', pages: 64 });
    const thread = attach(buffer);
    const mm = thread.createMm();
    const table = thread.allocTable(mm, thread.kind('pte'));
    const other = worker(`thread.freeTable(${mm}, ${table}); thread.detach();`, buffer);
    await once(other, 'exit');
    expect(thread.tablesOf(mm)).toBe(0);
    thread.destroyMm(mm);
    expectWhole(thread);
    expect(thread.pages()).toEqual({ free: 64, limit: 64 });
  });

  it('lives at an offset of a shared WebAssembly memory', () => {
    const options = { geometry: 'powerpc-radix-64k', pages: 4, byteOffset: 128 * 3 };
    const pages = Math.ceil((heapBytes(options) + options.byteOffset) / 65536);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    const buffer = memory.buffer as SharedArrayBuffer;
    createHeap({ ...options, buffer });
    const thread = attach(buffer, { byteOffset: options.byteOffset });
    const mm = thread.createMm();
    const tables = Array.from({ length: 300 }, () => thread.allocTable(mm));
    expect(new Set(tables).size).toBe(300);
    for (const table of tables) thread.freeTable(mm, table);
    thread.destroyMm(mm);
    expectWhole(thread);
  });

  it('hands out empty tables under every flavour, inside and outside of readers', () => {
    const { buffer } = createHeap({ geometry: 's390', pages: 8 });
    for (const flavour of ['epoch', 'qsbr'] as const) {
      const thread = attach(buffer, { flavour });
      const mm = thread.createMm();
      const first = thread.read(() => thread.memory.load(thread.allocTable(mm)));
      expect(first).toBe(0x400);
      expect(codeOf(() => thread.readUnlock())).toBe('not-reading');
      expect(codeOf(() => thread.read(() => thread.synchronize()))).toBe('inside-reader');
      thread.offline();
      thread.online();
      thread.quiescent();
      thread.detach();
    }
    expect(attach(buffer).check()).toEqual([]);
  });

  it('reports out of pages as a typed error, and goes on after frees have ripened', () => {
    const { buffer } = createHeap({ pages: 2, pagesMax: 3 });
    const thread = attach(buffer);
    const mm = thread.createMm();
    const [a] = [thread.allocTable(mm), thread.allocTable(mm)];
    expect(() => thread.allocTable(mm)).toThrow(OutOfPagesError);
    expect(thread.tryAllocTable(mm)).toBeNull();
    expect(thread.check()).toEqual([]);
    thread.freeTable(mm, a as never);
    expect(thread.allocTable(mm)).toBe(a);
    expect(thread.grow(5)).toBe(1);
    expect(thread.tryAllocTable(mm)).not.toBeNull();
  });

  it('names the reader that holds up a grace period', async () => {
    const { buffer } = createHeap({ pages: 4 });
    const [thread, reader] = [attach(buffer), attach(buffer)];
    reader.readLock();
    const stall = { thread: reader.id, code: 'stalled' };
    expect(() => thread.synchronize({ stallMs: 30 })).toThrow(StallError);
    expect(thread.blocker()).toMatchObject({ cause: 'reader', thread: reader.id });
    await expect(thread.synchronizeAsync({ stallMs: 30 })).rejects.toMatchObject(stall);
    const signal = AbortSignal.timeout(20);
    await expect(thread.synchronizeAsync({ signal })).rejects.toThrow(/timeout/i);
    const mm = thread.createMm();
    thread.freeTable(mm, thread.allocTable(mm));
    await expect(thread.barrierAsync({ stallMs: 30 })).rejects.toMatchObject(stall);
    reader.readUnlock();
    await thread.synchronizeAsync();
    await thread.barrierAsync();
    expect(thread.blocker()).toBeNull();
  });

  it('lets a reclaimer thread run all callbacks until it is stopped', async () => {
    const { buffer } = createHeap({ geometry: 's390', pages: 64 });
    const thread = attach(buffer);
    const reclaimer = worker('parentPort.postMessage(thread.reclaim()); thread.detach();', buffer);
    const ran = once(reclaimer, 'message');
    const mm = thread.createMm();
    for (let i = 0; i < 100; i++) thread.freeTable(mm, thread.allocTable(mm));
    await vi.waitFor(() => expect(thread.pages().free).toBe(64), { timeout: 60_000 });
    thread.stopReclaimers();
    expect((await ran)[0]).toBeGreaterThan(0);
    expect(thread.check({ drained: true })).toEqual([]);
  });

  it('lets reclaimers return that begin after the stop, until they are resumed', async () => {
    const { buffer } = createHeap({ geometry: 's390', pages: 64 });
    const thread = attach(buffer);
    thread.stopReclaimers();
    const body = `
      parentPort.postMessage(thread.reclaim());
      thread.resumeReclaimers();
      parentPort.postMessage('again');
      thread.reclaim();
      thread.detach();`;
    const reclaimer = worker(body, buffer);
    expect(await once(reclaimer, 'message')).toEqual([0]);
    expect(await once(reclaimer, 'message')).toEqual(['again']);
    thread.stopReclaimers();
    await once(reclaimer, 'exit');
    expect(thread.threads()).toHaveLength(1);
  });

  it('makes progress without any call to poll', () => {
    const { buffer } = createHeap({ pages: 40 });
    const thread = attach(buffer);
    const mm = thread.createMm();
    for (let i = 0; i < 1000; i++) thread.freeTable(mm, thread.allocTable(mm));
    expect(thread.pages().free).toBeGreaterThan(0);
    for (let i = 0; i < 40; i++) thread.read(() => 0);
    expect(thread.poll(0)).toBe(0);
  });
});

describe('what is refused', () => {
  const { buffer } = createHeap({ pages: 2, threadsMax: 2, mmsMax: 2 });

  it('refuses options that make no heap, and names them', () => {
    expect(() => createHeap({ pages: 1, geometry: 'vax' })).toThrow(/there are: s390/);
    expect(() => createHeap({ pages: 1, sharing: 'some' as 'mm' })).toThrow(
      /'some'; it must be 'mm' or 'all'/,
    );
    expect(codeOf(() => createHeap({ pages: 1, threadsMax: 2, mmsMax: 2, buffer }))).toBe(
      'not-zeroed',
    );
    expect(codeOf(() => createHeap({ pages: 1, buffer, byteOffset: 4 }))).toBe('bad-offset');
    const small = new SharedArrayBuffer(4096);
    expect(codeOf(() => createHeap({ pages: 1, buffer: small }))).toBe('no-room');
    const growable = { maxByteLength: 1 << 24 } as object;
    const Growable = SharedArrayBuffer as unknown as new (
      n: number,
      o: object,
    ) => SharedArrayBuffer;
    const grown = new Growable(1 << 22, growable);
    expect(codeOf(() => createHeap({ pages: 1, buffer: grown }))).toBe('growable');
    expect(() => createHeap({ pages: 1, pagesMax: 2 ** 24 })).toThrow(LimitError);
  });

  it('refuses to attach where no heap is, or too often', () => {
    expect(codeOf(() => attach(new SharedArrayBuffer(1 << 16)))).toBe('not-a-heap');
    expect(codeOf(() => attach(new SharedArrayBuffer(16)))).toBe('no-room');
    const [first, second] = [attach(buffer), attach(buffer)];
    expect(() => attach(buffer)).toThrow(/threadsMax = 2/);
    second.detach();
    second.detach();
    expect(codeOf(() => second.createMm())).toBe('detached');
    expect(codeOf(() => second.kind('slab'))).toBe('no-such-kind');
    first.detach();
  });

  it('names the limit of mms, and takes destroyed ones again after a grace period', () => {
    const thread = attach(buffer);
    const [one] = [thread.createMm(), thread.createMm()];
    expect(() => thread.createMm()).toThrow(/mmsMax = 2/);
    thread.enterMm(one as never);
    expect(codeOf(() => thread.destroyMm(one as never))).toBe('mm-in-use');
    thread.leaveMm(one as never);
    thread.destroyMm(one as never);
    thread.barrier();
    const next = thread.createMm();
    expect(next).not.toBe(one);
    expect(() => thread.destroyMm(one as never)).toThrow(
      `mm ${one} has ended; its record serves mm ${next} now`,
    );
    expect(thread.tablesOf(next)).toBe(0);
    thread[Symbol.dispose]();
  });

  it('refuses a blocking wait on a thread that may not sleep, and names the twin', async () => {
    const wait = vi.spyOn(Atomics, 'wait').mockImplementation(() => {
      throw new TypeError('Atomics.wait cannot be called in this context');
    });
    const thread = attach(createHeap({ pages: 1 }).buffer);
    wait.mockRestore();
    expect(() => thread.synchronize()).toThrow(/synchronizeAsync/);
    expect(() => thread.barrier()).toThrow(/barrierAsync/);
    expect(() => thread.reclaim()).toThrow(UsageError);
    await thread.synchronizeAsync();
    await thread.barrierAsync();
    expect(thread.blocker()).toBeNull();
  });
});

describe('where it is not supported', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('says why, and imports all the same', () => {
    expect(isSupported()).toEqual({ ok: true, reason: null });
    vi.stubGlobal('SharedArrayBuffer', undefined);
    expect(isSupported().reason).toMatch(/no SharedArrayBuffer/);
    vi.stubGlobal('crossOriginIsolated', false);
    expect(isSupported().reason).toMatch(/Cross-Origin-Embedder-Policy/);
    expect(() => createHeap({ pages: 1 })).toThrow(UnsupportedError);
    vi.stubGlobal('Atomics', undefined);
    expect(isSupported().reason).toMatch(/no Atomics/);
  });

  it('names a smaller size where a reservation is refused', () => {
    const Real = SharedArrayBuffer;
    const refuseAbove4MiB = {
      construct(_target: unknown, [bytes]: [number]): SharedArrayBuffer {
        if (bytes > 1 << 22) throw new RangeError('Array buffer allocation failed');
        return new Real(bytes);
      },
    };
    vi.stubGlobal('SharedArrayBuffer', new Proxy(Real, refuseAbove4MiB));
    expect(() => createHeap({ pages: 4096 })).toThrow(/4096 pages can't be reserved; 512 can/);
  });
});
