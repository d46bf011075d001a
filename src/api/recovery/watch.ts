/**
 * Looks now and then whether some thread holds up a grace period for long, or gives no sign of life
 * any more, and tells. It names threads, and does nothing to them: a slow thread is not a dead one.
 */
import type { Blocker } from '../../core/base/blocker.js';
import { blockerText, threadText } from '../../core/base/blocker.js';
import type { ThreadId } from '../../core/base/units.js';
import { describeThread, type Heap, threadRecord } from '../../core/mem/heap.js';
import { beatsOf, enteredAt } from '../../core/mem/signs.js';
import { attachedThreads } from '../../core/rcu/attach.js';
import { workerOf } from '../../core/rcu/attached.js';
import { graceStarted } from '../../core/rcu/grace-period.js';
import { heldUpGrace } from '../../core/rcu/held-up.js';
import { milliseconds, optionsOf, requireFunction, wholeNumber } from '../arguments.js';
import { attachmentOf } from '../attachment.js';
import type { AttachedThread } from '../thread.js';
import { every, TIMER_MS_MAX } from './signs.js';

/** Who is told of, as it was when `watch` saw it first. */
type Identity = Pick<WatchReport, 'name' | 'attachedAtMs' | 'worker'>;

/** What is told of a thread. */
export interface WatchReport extends Pick<Blocker, 'name' | 'attachedAtMs'> {
  /**
   * `stalled`: a grace period waits for it, or for a lock that it has. `silent`: it has given no
   * sign of life since. It was one of these, and is no longer: `resumed`; or it is no longer
   * attached, for it has left or was recovered: `gone`.
   */
  readonly kind: 'stalled' | 'silent' | 'resumed' | 'gone';
  readonly thread: ThreadId;
  /** Number of its JavaScript thread, by which it is recovered if that has ended; null: unknown. */
  readonly worker: number | null;
  /** For how long, in milliseconds, since `watch` saw it first. */
  readonly forMs: number;
  /** Where it entered its read section, if it notes that (`traceSections`). */
  readonly enteredAt: string | null;
  /** All of it in words, one line. */
  readonly text: string;
}

/** What is watched for. */
export interface WatchOptions {
  /** Called for each report; on this thread, by a timer. */
  readonly onReport: (report: WatchReport) => void;
  /** After how long a thread that holds up a grace period is told, in ms. Default: 1,000. */
  readonly stallMs?: number | undefined;
  /** The same of one without a sign of life, if it gave some (`startBeating`). Default: 5,000. */
  readonly silentMs?: number | undefined;
  /** How often to look, in milliseconds. Default: 200. */
  readonly everyMs?: number | undefined;
}

const STALL_MS = 1000;
const SILENT_MS = 5000;
const EVERY_MS = 200;

/**
 * Watches the threads of the heap that `thread` is attached to, until that detaches or what is
 * returned is called. A thread is told once for as long as it lasts, and once when it is over. Does
 * not keep the process alive. Takes no lock; O(threads), and O(pages) while somebody stalls.
 */
export function watch(thread: AttachedThread, options: WatchOptions): () => void {
  const { operations } = attachmentOf(thread, 'watch');
  const { onReport, stallMs, silentMs, everyMs = EVERY_MS } = optionsOf(options, 'watch');
  requireFunction(onReport, 'watch: onReport', 'bad-option');
  const limits = {
    stallMs: milliseconds(stallMs, STALL_MS, 'watch: stallMs'),
    silentMs: milliseconds(silentMs, SILENT_MS, 'watch: silentMs'),
  };
  const range = { least: 1, most: TIMER_MS_MAX };
  const period = wholeNumber(everyMs, range, 'watch: everyMs', 'bad-option');
  const watcher = new Watcher(operations.here().heap, limits);
  return every(period, () => {
    if (operations.hasLeft) return false;
    for (const report of watcher.look(performance.now())) onReport?.(report);
    return true;
  });
}

/** Something that lasts: told when it has lasted for long. */
interface Lasting {
  readonly thread: ThreadId;
  readonly identity: Identity;
  /** What it was when it was seen last; as long as that stays, it lasts. */
  readonly state: string;
  readonly sinceMs: number;
  readonly isTold: boolean;
}

class Watcher {
  private readonly heap: Heap;
  private readonly limits: { readonly stallMs: number; readonly silentMs: number };
  private stall: Lasting | null = null;
  private silences = new Map<ThreadId, Lasting>();

  constructor(heap: Heap, limits: Watcher['limits']) {
    this.heap = heap;
    this.limits = limits;
  }

  look(nowMs: number): WatchReport[] {
    return [...this.lookForStall(nowMs), ...this.lookForSilence(nowMs)];
  }

  private lookForStall(nowMs: number): WatchReport[] {
    const { heap, limits, stall } = this;
    // Of one grace period: who enters a section later does not hold it up.
    const number = graceStarted(heap);
    const blocker = heldUpGrace(heap);
    const thread = (blocker?.thread ?? null) as ThreadId | null;
    const state = `${number} ${blocker?.cause}`;
    this.stall = thread === null ? null : this.lasting(stall, thread, state, nowMs);
    const { stall: now } = this;
    const reports = stall?.isTold === true && !isSame(stall, now) ? [this.over(stall, nowMs)] : [];
    if (now === null || blocker === null || isShort(now, nowMs, limits.stallMs)) return reports;
    this.stall = { ...now, isTold: true };
    // Of a thread that is online, and in no section, the place is that of its last one.
    const where = blocker.cause === 'reader' ? enteredAt(heap, now.thread) : null;
    const entered = where === null ? '' : `, entered at ${where}`;
    const text = `${blockerText(blocker)}${entered}; a grace period has waited for it for`;
    return [...reports, report('stalled', now, nowMs, text, where)];
  }

  private lookForSilence(nowMs: number): WatchReport[] {
    const { heap, limits } = this;
    const reports: WatchReport[] = [];
    const before = this.silences;
    this.silences = new Map();
    for (const thread of attachedThreads(heap)) {
      const beats = beatsOf(heap, thread);
      // Of a thread that gives no signs silence says nothing.
      if (beats === 0) continue;
      const now = this.lasting(before.get(thread) ?? null, thread, `${beats}`, nowMs);
      const isNews = !isShort(now, nowMs, limits.silentMs);
      this.silences.set(thread, isNews ? { ...now, isTold: true } : now);
      const text = `${nameOf(now)} has given no sign of life for`;
      if (isNews) reports.push(report('silent', now, nowMs, text));
    }
    for (const was of before.values()) {
      const now = this.silences.get(was.thread) ?? null;
      if (was.isTold && !isSame(was, now)) reports.unshift(this.over(was, nowMs));
    }
    return reports;
  }

  /** The same as before, if it has not changed. */
  private lasting(was: Lasting | null, thread: ThreadId, state: string, nowMs: number): Lasting {
    const now = { thread, identity: this.identityOf(thread), state, sinceMs: nowMs, isTold: false };
    return was !== null && isSame(was, now) ? was : now;
  }

  private identityOf(thread: ThreadId): Identity {
    const { heap } = this;
    const { name, attachedAtMs } = describeThread(heap, thread);
    return { name, attachedAtMs, worker: workerOf(heap, threadRecord(heap, thread)) };
  }

  /** Its record may be another thread's by now. */
  private over(was: Lasting, nowMs: number): WatchReport {
    const isThere =
      attachedThreads(this.heap).includes(was.thread) &&
      isSameThread(was.identity, this.identityOf(was.thread));
    if (isThere) return report('resumed', was, nowMs, `${nameOf(was)} goes on after`);
    const text = `${nameOf(was)} has left the heap, or was recovered, after`;
    return report('gone', was, nowMs, text);
  }
}

function report(
  kind: WatchReport['kind'],
  { thread, identity, sinceMs }: Lasting,
  nowMs: number,
  what: string,
  where: string | null = null,
): WatchReport {
  const forMs = nowMs - sinceMs;
  const text = `${what} ${(forMs / 1000).toFixed(1)} s`;
  return { kind, thread, ...identity, forMs, enteredAt: where, text };
}

function nameOf({ thread, identity }: Lasting): string {
  return threadText(thread, identity.name);
}

function isSame(was: Lasting, now: Lasting | null): boolean {
  if (now === null || was.thread !== now.thread || was.state !== now.state) return false;
  return isSameThread(was.identity, now.identity);
}

function isSameThread(one: Identity, other: Identity): boolean {
  return (
    one.worker === other.worker &&
    one.name === other.name &&
    one.attachedAtMs === other.attachedAtMs
  );
}

/** Whether it is not to be told: not yet, or not again. */
function isShort({ sinceMs, isTold }: Lasting, nowMs: number, limitMs: number): boolean {
  return isTold || nowMs - sinceMs < limitMs;
}
