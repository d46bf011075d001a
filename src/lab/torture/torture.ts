/**
 * A torture run: threads of all roles on one heap for so many seconds, some of them killed on the
 * way. Then all is given back, and must be there.
 */
import { Worker } from 'node:worker_threads';
import { type AttachedThread, attach, createHeap } from '../../api/index.js';
import { createSpace, openSpace } from '../../api/pgtable/index.js';
import { blockerText } from '../../core/base/blocker.js';
import { Prng } from '../../core/base/prng.js';
import { at, type MmId, type Word } from '../../core/base/units.js';
import type { Violation } from '../../core/frag/check.js';
import type { HeapKind, Thread } from '../../core/mem/heap.js';
import type { Memory } from '../../core/mem/memory.js';
import { GP_COMPLETED } from '../../core/rcu/grace-period.js';
import { CONTROL, controlWord, openControl, reserveControl } from '../crew/control.js';
import { COUNT, total } from '../crew/counters.js';
import { openBoard, reserveBoard, SLOTS, STAMP_AT, slotWord } from './board.js';
import { documentOf, type TortureDocument } from './document.js';
import { type Kills, kill } from './killer.js';
import {
  type Role,
  TALLY,
  type TortureAsked,
  type TortureData,
  type TortureMessage,
} from './options.js';

const PAGES = 2048;
const MMS_MAX = 256;

/** How long the main thread waits for a lock before it says that it tries again. */
const LOCK_STALL_MS = 50;

/** How often it looks whether it is over. */
const LOOK_MS = 50;

/** How long threads may take to end, once they are told to. */
const END_MS = 10_000;

export interface TortureWatch {
  readonly signal?: AbortSignal | undefined;
  /** The share of the time that is over, and reads and kills so far. */
  readonly onProgress?: ((done: number, reads: number, kills: number) => void) | undefined;
}

/** Runs it. Rejects with the signal's reason if that comes first. */
export async function torture(
  asked: TortureAsked,
  watch: TortureWatch = {},
): Promise<TortureDocument> {
  const run = new Run(asked);
  try {
    return await run.toEnd(watch);
  } finally {
    await run.close();
  }
}

/** A thread at work; `ended`: it has left by itself. */
interface Member {
  readonly worker: Worker;
  readonly role: Role;
  readonly index: number;
  ended: boolean;
}

class Run {
  private readonly asked: TortureAsked;
  private readonly heap: ArrayBufferLike;
  private readonly thread: AttachedThread;
  private readonly core: Thread;
  private readonly control: Memory;
  private readonly board: Memory;
  private readonly given: Omit<TortureData, 'role' | 'index' | 'seed'>;
  private readonly tables: MmId;
  private readonly prng: Prng;
  private readonly violations: Violation[] = [];
  private readonly kills: Kills = { kills: 0, killsInside: 0, recovered: 0 };
  private members: Member[] = [];
  private started = 0;
  private leaked: number | null = null;

  constructor(asked: TortureAsked) {
    const { geometry, sharing, threads, readers } = asked;
    this.asked = asked;
    const threadsMax = threads + readers + 3;
    this.heap = createHeap({ geometry, sharing, pages: PAGES, threadsMax, mmsMax: MMS_MAX }).buffer;
    this.thread = attach(this.heap, { name: 'main', lockStallMs: LOCK_STALL_MS });
    this.core = this.thread.attachment.operations.here();
    this.tables = this.thread.createMm() as MmId;
    const space = createSpace(this.thread).mm;
    const [control, board] = [reserveControl(), reserveBoard()];
    this.control = openControl(control);
    this.board = openBoard(board);
    this.prng = new Prng(asked.seed);
    const heap = this.heap as TortureData['heap'];
    this.given = { heap, control, board, tables: this.tables, space, oom: asked.oom };
  }

  async toEnd(watch: TortureWatch): Promise<TortureDocument> {
    await Promise.all(this.roles().map((role, index) => this.start(role, index)));
    try {
      await this.untilOver(watch);
    } catch (error) {
      watch.signal?.throwIfAborted();
      this.violations.push(violationOf('main', error));
    }
    return documentOf(this.asked, this.findings());
  }

  private async untilOver({ signal, onProgress }: TortureWatch): Promise<void> {
    const beganMs = performance.now();
    const endMs = beganMs + 1000 * this.asked.seconds;
    let killMs = this.nextKill(beganMs);
    for (let now = beganMs; now < endMs && this.violations.length === 0; now = performance.now()) {
      signal?.throwIfAborted();
      const reads = total(this.control, COUNT.READS);
      onProgress?.((now - beganMs) / (endMs - beganMs), reads, this.kills.kills);
      if (now >= killMs) {
        await this.killOne();
        killMs = this.nextKill(killMs);
      }
      await after(Math.max(0, Math.min(LOOK_MS, killMs - performance.now(), endMs - now)));
    }
    await this.stop();
    if (this.violations.length === 0) this.giveBack();
  }

  /** Threads that change things come first, half of them on page tables. */
  private roles(): Role[] {
    const { threads, readers, oom } = this.asked;
    const pagers = Math.floor(threads / 2);
    const times = (count: number, role: Role): Role[] => new Array<Role>(count).fill(role);
    const hogs = oom > 0 ? 1 : 0;
    return [
      ...times(threads - pagers, 'churner'),
      ...times(pagers, 'pager'),
      ...times(readers, 'reader'),
      ...times(hogs, 'hog'),
    ];
  }

  /** Resolves when it is at work. */
  private async start(role: Role, index: number): Promise<void> {
    const seed = this.asked.seed * 1000 + this.started++;
    const workerData: TortureData = { ...this.given, role, index, seed };
    const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData });
    const member: Member = { worker, role, index, ended: false };
    this.members.push(member);
    await new Promise<void>((resolve) => {
      worker.on('message', (message: TortureMessage) => {
        if (message.type === 'violation') this.violations.push(message);
        if (message.type === 'ended') member.ended = true;
        resolve();
      });
      worker.on('error', (error) => {
        this.violations.push(violationOf(`${role} ${index}`, error));
      });
      worker.on('exit', () => resolve());
    });
  }

  private nextKill(fromMs: number): number {
    const { kill: perSecond } = this.asked;
    if (perSecond === 0) return Number.POSITIVE_INFINITY;
    // Between half and one and a half of the mean: not in step with what the threads do.
    return fromMs + (1000 / perSecond) * (0.5 + this.prng.below(1000) / 1000);
  }

  private async killOne(): Promise<void> {
    const pagers = this.members.filter(({ role }) => role === 'pager');
    const member = pagers[this.prng.below(Math.max(1, pagers.length))];
    if (member === undefined) return;
    this.members = this.members.filter((each) => each !== member);
    await kill(this.thread, member.worker, this.kills);
    await this.start(member.role, member.index);
  }

  /** Tells all to end, and waits until they have; who does not is named. */
  private async stop(): Promise<void> {
    this.control.store(controlWord(CONTROL.STOP), 1);
    this.control.notify(controlWord(CONTROL.STOP));
    const isOver = (): boolean => this.members.every(({ ended }) => ended);
    const endMs = performance.now() + END_MS;
    while (!isOver() && this.violations.length === 0 && performance.now() < endMs) await after(10);
    if (isOver() || this.violations.length > 0) return;
    const late = this.members.filter(({ ended }) => !ended);
    const names = late.map(({ role, index }) => `${role} ${index}`).join(', ');
    const blocker = this.thread.blocker();
    const why = blocker === null ? '' : `; ${blockerText(blocker)}`;
    this.violations.push({ rule: 'L4', detail: `no end after ${END_MS / 1000} s: ${names}${why}` });
  }

  /** Frees and ends all that is there; then nothing may be missing. */
  private giveBack(): void {
    const { thread, core, board, violations } = this;
    const { emptyEven } = core.heap.kinds[0] as HeapKind;
    for (let slot = 0; slot < SLOTS; slot++) {
      const table = board.exchange(slotWord(slot), 0) as Word | 0;
      if (table === 0) continue;
      core.mem.store(at(table, STAMP_AT), emptyEven);
      thread.freeTable(this.tables, table);
    }
    thread.destroyMm(this.tables);
    // A child that was whole when its maker was killed is nobody's: that is not lost, but known.
    for (const mm of thread.mms()) {
      const space = openSpace(thread, mm);
      violations.push(...space.check());
      space.exit();
    }
    thread.barrier();
    violations.push(...thread.check({ drained: true }));
    const others = thread.threads().length - 1;
    if (others > 0) violations.push({ rule: 'R7', detail: `${others} records were not recovered` });
    const { free, limit } = thread.pages();
    this.leaked = limit - free;
    if (free === limit) return;
    violations.push({ rule: 'P6', detail: `${this.leaked} pages did not come back` });
  }

  private findings(): Parameters<typeof documentOf>[1] {
    const { control, core, kills, violations } = this;
    const sum = (field: number): number => total(control, field);
    return {
      reads: sum(COUNT.READS),
      frees: sum(TALLY.FREES),
      ages: [sum(TALLY.AGE_LINKED), sum(TALLY.AGE_CURRENT), sum(TALLY.AGE_OLD)],
      operations: sum(COUNT.OPERATIONS),
      forks: sum(TALLY.FORKS),
      attaches: sum(TALLY.ATTACHES),
      gracePeriods: core.mem.load(GP_COMPLETED) - 1,
      ...kills,
      outOfMemory: sum(COUNT.OUT_OF_PAGES),
      leaked: this.leaked,
      violations,
    };
  }

  async close(): Promise<void> {
    this.control.store(controlWord(CONTROL.STOP), 1);
    await Promise.all(this.members.map(({ worker }) => worker.terminate()));
  }
}

/** What was thrown though nobody did wrong: a rule is broken, or a right call was refused. */
function violationOf(who: string, error: unknown): Violation {
  const { rule, code, name, message } = error as Error & { rule?: string; code?: string };
  return { rule: rule ?? code ?? name, detail: `${who}: ${message}` };
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
