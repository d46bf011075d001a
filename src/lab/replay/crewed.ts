/**
 * What the two replays on threads have in common: how many threads there can be, the heap, who is
 * started with what, and the figures at the end.
 */
import { createHeap } from '../../api/heap.js';
import { UsageError } from '../../core/base/errors.js';
import { type Heap, headerWord, openHeap } from '../../core/mem/heap.js';
import { HEAP } from '../../core/mem/layout.js';
import { type HeapBuffer, SharedMemory, viewWords } from '../../core/mem/shared.js';
import type { Geometry } from '../../core/pgtable/geometry.js';
import { GP_COMPLETED } from '../../core/rcu/grace-period.js';
import { CREW_MAX } from '../crew/control.js';
import { COUNT, total } from '../crew/counters.js';
import type { Crew } from '../crew/crew.js';
import { type Drained, drainHeap } from '../crew/drain.js';
import { failuresOf, type ThreadEnd } from '../crew/failure.js';
import type { MemberData } from '../crew/member.js';
import { meanOf, pagesInUse, peakOf } from '../crew/samples.js';
import type { ReplayFindings, ReplayWatch } from './document.js';

/** What a replay on threads can be asked for. */
export interface CrewedOptions extends ReplayWatch {
  readonly file: string;
  /** Threads that allocate and free. */
  readonly threads: number;
  readonly readers: number;
  readonly sharing: 'mm' | 'all';
  /** Of what is left to chance. */
  readonly seed: number;
  /** Pages of the heap; null: as many as any recording needs. */
  readonly pages: number | null;
}

/** Reserved where the user names no number of pages; the OS commits what is touched. */
const RESERVE_BYTES: number = 2 ** 29;
/** The check of a debug heap reads what was never taken, too, and so all of it is committed. */
const RESERVE_DEBUG_BYTES: number = 2 ** 27;
const MMS_MAX: number = 2 ** 14;

/** Throws `UsageError` for a number of threads that can't be. */
export function checkThreads({ threads, readers }: CrewedOptions): void {
  const sum = threads + readers;
  if (threads >= 1 && readers >= 0 && Number.isInteger(sum) && sum <= CREW_MAX) return;
  const most = `threads from 1, readers from 0, together at most ${CREW_MAX}`;
  const message = `${threads} threads and ${readers} readers; expected ${most}`;
  throw new UsageError('bad-threads', message);
}

/** A heap that a crew works on. */
export interface CrewedHeap {
  readonly heap: Heap;
  readonly buffer: HeapBuffer;
  readonly words: number;
}

/**
 * `members`: how many threads work on it at once. One more is for the end. `debug`: such a heap
 * keeps no list nodes in free fragments, so replays that look for them take another.
 */
export function makeHeap(
  geometry: Geometry,
  members: number,
  { pages, sharing }: CrewedOptions,
  debug: boolean,
): CrewedHeap {
  const { buffer, bytes } = createHeap({
    geometry,
    pages: pages ?? (debug ? RESERVE_DEBUG_BYTES : RESERVE_BYTES) / geometry.pageBytes,
    threadsMax: members + 1,
    mmsMax: MMS_MAX,
    sharing,
    debug,
  });
  const words = bytes / 4;
  return { buffer, words, heap: openHeap(new SharedMemory(viewWords(buffer, 0, words), true)) };
}

/** Mutators come first: they have rings, which the dispatcher counts from 0. */
export function rolesOf({ threads, readers }: CrewedOptions): ('mutator' | 'reader')[] {
  const named = <Role>(role: Role, count: number): Role[] => new Array<Role>(count).fill(role);
  return [...named('mutator' as const, threads), ...named('reader' as const, readers)];
}

/** Starts a thread for each role. `more`: what all are given besides what every crew's are. */
export function startAll<Role extends string, More extends object>(
  roles: readonly Role[],
  { crew, heap, seed }: { crew: Crew; heap: CrewedHeap; seed: number },
  more: More,
): void {
  const roamers = roles.filter((role) => role !== 'mutator').length;
  for (const [index, role] of roles.entries()) {
    const nth = index - roles.indexOf(role);
    crew.start<MemberData & More>({
      heap: heap.buffer,
      heapWords: heap.words,
      control: crew.controlBuffer,
      role,
      index,
      // Every other reader counts on quiescent states, so that both flavours are at work.
      flavour: role === 'reader' && nth % 2 === 1 ? 'qsbr' : 'epoch',
      seed: seed * 1000 + index,
      roamers,
      ...more,
    });
  }
}

/** What is known when all threads have ended: drains the heap, unless one of them failed. */
export function figuresOf(
  { control }: Crew,
  { heap }: CrewedHeap,
  ends: readonly ThreadEnd[],
): Pick<ReplayFindings, 'pages' | 'fresh' | 'gracePeriods' | 'callbacks' | 'reads' | 'violations'> {
  const failures = failuresOf(ends, heap);
  const drained: Drained = failures.length > 0 ? { callbacks: 0, violations: [] } : drainHeap(heap);
  const samples = ends.flatMap(({ pages }) => pages ?? []);
  return {
    pages: { peak: peakOf(samples), mean: meanOf(samples), atEnd: pagesInUse(heap) },
    fresh: heap.mem.peek(headerWord(HEAP.BLOCKS_TAKEN)),
    gracePeriods: heap.mem.load(GP_COMPLETED) - 1,
    callbacks: total(control, COUNT.CALLBACKS) + drained.callbacks,
    reads: total(control, COUNT.READS),
    violations: [...failures, ...drained.violations],
  };
}
