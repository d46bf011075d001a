/**
 * The threads of a crew, from the dispatcher's side: starting them, feeding them, stopping them,
 * and what they say at their ends.
 */
import { Worker } from 'node:worker_threads';
import type { Memory } from '../../core/mem/memory.js';
import type { HeapBuffer } from '../../core/mem/shared.js';
import { CONTROL, controlWord, openControl, reserveControl } from './control.js';
import { COUNT, total } from './counters.js';
import { AnotherFailed, fail, failedEnd, type ThreadEnd } from './failure.js';
import type { MemberData } from './member.js';

/** How long no thread may get on with its tasks: by then one waits for what will never be. */
const STALL_MS = 10_000;
const LOOK_MS = 500;

/** How long threads may take to see that another has failed. */
const LEAVE_MS = 2000;

export class Crew {
  readonly controlBuffer: HeapBuffer = reserveControl();
  readonly control: Memory;
  private readonly entry: URL;
  private readonly workers: Worker[] = [];
  private readonly ends: Promise<ThreadEnd>[] = [];

  /** `entry`: the module that each thread runs. */
  constructor(entry: URL) {
    this.entry = entry;
    this.control = openControl(this.controlBuffer);
  }

  start<Data extends MemberData>(workerData: Data): void {
    const worker = new Worker(this.entry, { workerData });
    this.workers.push(worker);
    const end = new Promise<ThreadEnd>((resolve) => {
      let said: ThreadEnd | undefined;
      worker.on('message', (message: ThreadEnd) => {
        said = message;
      });
      worker.on('error', ({ name, message }: Error) => {
        said = failedEnd(name, message);
      });
      worker.on('exit', (code) => {
        if (said === undefined) fail(this.control);
        const message = `a ${workerData.role} ended early, exit code ${code}`;
        resolve(said ?? failedEnd('Error', message));
      });
    });
    this.ends.push(end);
  }

  /** Does a piece of dispatching; a thread that failed has its own report. */
  feed(dispatch: () => void): void {
    try {
      dispatch();
    } catch (error) {
      if (!(error instanceof AnotherFailed)) throw error;
    }
  }

  /** Waits for the first `count` threads, which end by themselves; then stops the others. */
  async finish(count: number): Promise<ThreadEnd[]> {
    const isOver = await this.watch(Promise.all(this.ends.slice(0, count)));
    this.stop();
    if (isOver) return Promise.all(this.ends);
    fail(this.control);
    // Those that can leave do, and what they say comes first.
    const said = this.ends.map((end) => Promise.race([end, after(LEAVE_MS, null)]));
    const ends = (await Promise.all(said)).filter((end) => end !== null);
    const message = `no thread got on for ${STALL_MS / 1000} s`;
    return [...ends, failedEnd('Stalled', message)];
  }

  /** Whether it comes to an end; false when no thread has got on for too long. */
  private async watch(end: Promise<unknown>): Promise<boolean> {
    let [done, sinceMs] = [-1, 0];
    while (!(await Promise.race([end.then(() => true), after(LOOK_MS, false)]))) {
      // Who tries for pages gives up by itself, after so many tries, however long they take.
      const now = total(this.control, COUNT.OPERATIONS) + total(this.control, COUNT.OUT_OF_PAGES);
      if (now !== done) [done, sinceMs] = [now, performance.now()];
      else if (performance.now() - sinceMs > STALL_MS) return false;
    }
    return true;
  }

  private stop(): void {
    this.control.store(controlWord(CONTROL.STOP), 1);
    this.control.notify(controlWord(CONTROL.STOP));
  }

  async close(): Promise<void> {
    this.stop();
    await Promise.all(this.workers.map((worker) => worker.terminate()));
  }
}

function after<Value>(ms: number, value: Value): Promise<Value> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(value), ms).unref();
  });
}
