/**
 * Ours: the shipping core on a real heap, driven by one thread that decides itself when grace
 * periods end. Everything but that is the code that ships. What differs between the two ways of
 * ending grace periods is in common-recorded.ts and common-timed.ts.
 */
import { OutOfPagesError } from '../base/errors.js';
import type { KindId, MmId, Word } from '../base/units.js';
import { at } from '../base/units.js';
import { allocTable } from '../frag/alloc.js';
import { CALLBACKS } from '../frag/callback.js';
import { checkHeap, type Violation } from '../frag/check.js';
import { freeTable } from '../frag/free.js';
import { createMm, destroyMm, initCommonOwner } from '../frag/mm.js';
import { formatHeap, headerWord, type Thread } from '../mem/heap.js';
import { HEAP, layoutOf, PTDESC } from '../mem/layout.js';
import { reserveBuffer, SharedMemory, viewWords } from '../mem/shared.js';
import { growSupply } from '../mem/supply.js';
import { type Geometry, kindsOf } from '../pgtable/geometry.js';
import { attachThread } from '../rcu/attach.js';
import { runCallback } from '../rcu/callback.js';
import { advanceGrace } from '../rcu/grace-period.js';
import { takeQueued } from '../rcu/manual.js';
import { type Counts, type Design, emptyCounts } from './design.js';

export type Sharing = 'mm' | 'all';

/** Reserved, not used: the OS commits what is touched. */
const RESERVE_BYTES = 2 ** 30;
const MMS_MAX = 2 ** 16;

interface LiveTable {
  readonly mm: number;
  readonly address: Word;
}

export abstract class Common implements Design {
  readonly name = 'common';
  readonly sharing: Sharing;
  readonly counts: Counts = emptyCounts();
  protected readonly thread: Thread;
  private readonly mms = new Map<number, MmId>();
  private readonly live = new Map<number, LiveTable>();

  constructor(geometry: Geometry, sharing: Sharing) {
    this.sharing = sharing;
    this.thread = privateHeap(geometry, sharing);
  }

  createMm(mm: number): void {
    this.mms.set(mm, createMm(this.thread));
  }

  exitMm(): void {}

  destroyMm(mm: number): void {
    destroyMm(this.thread, this.mmId(mm));
    this.mms.delete(mm);
    this.mmQueued(mm, takeQueued(this.thread));
  }

  alloc(mm: number, kind: 0 | 1, table: number): void {
    const before = this.freePages();
    const address = allocTable(this.thread, this.mmId(mm), kind as number as KindId);
    if (address === null) throw new OutOfPagesError('the replay', this.thread.heap.pagesMax);
    if (this.freePages() < before) {
      this.counts.fresh[kind]++;
      this.counts.pages[kind]++;
    } else this.counts.reused[kind]++;
    this.live.set(table, { mm, address });
  }

  free(mm: number, _kind: 0 | 1, table: number): void {
    const { address } = this.live.get(table) as LiveTable;
    this.live.delete(table);
    freeTable(this.thread, this.mmId(mm), address);
    this.tableQueued(table, address, takeQueued(this.thread));
  }

  /** Every free is deferred. */
  freeNow(mm: number, kind: 0 | 1, table: number): boolean {
    this.free(mm, kind, table);
    return false;
  }

  settled(): void {}

  /** A table was freed; `heads` has its page's if that was queued by it. */
  protected abstract tableQueued(table: number, address: Word, heads: Word[]): void;
  protected abstract mmQueued(mm: number, heads: Word[]): void;
  /** All heads that wait, for the end. */
  protected abstract waitingHeads(): Word[];

  abstract end(table: number): void;
  abstract endMm(mm: number): void;
  abstract settle(): void;
  abstract wantsGrace(): boolean;
  abstract beginGrace(): void;
  abstract endGrace(): void;

  /** Runs the callback of a head whose time has come; returns what it queued. */
  protected runHead(head: Word): Word[] {
    const { heap, mem } = this.thread;
    const isPage = head >= heap.ptdescsAt;
    const kind = isPage ? mem.peek(at(head, PTDESC.KIND - PTDESC.RCU)) : 0;
    const before = this.freePages();
    runCallback(this.thread, CALLBACKS, head);
    this.counts.callbacks++;
    if (this.freePages() > before) this.counts.pages[kind as 0 | 1]--;
    return takeQueued(this.thread);
  }

  finish(): Violation[] {
    const violations = checkHeap(this.thread.heap, { queues: false });
    for (const [table, { mm }] of [...this.live]) this.free(mm, 0, table);
    for (const mm of [...this.mms.keys()]) this.destroyMm(mm);
    let heads = this.waitingHeads();
    while (heads.length > 0) {
      advanceGrace(this.thread.heap);
      heads = heads.flatMap((head) => this.runHead(head));
    }
    violations.push(...checkHeap(this.thread.heap, { drained: true }));
    const left = this.counts.pages[0] + this.counts.pages[1];
    if (left !== 0) violations.push({ rule: 'P9', detail: `${left} pages did not come back` });
    return violations;
  }

  private freePages(): number {
    // Plain, without the supply lock: no other thread is attached.
    return this.thread.mem.peek(headerWord(HEAP.FREE_PAGES));
  }

  private mmId(mm: number): MmId {
    return this.mms.get(mm) as MmId;
  }
}

function privateHeap(geometry: Geometry, sharing: Sharing): Thread {
  const config = {
    geometry: geometry.name,
    kinds: kindsOf(geometry),
    pageShift: Math.log2(geometry.pageBytes / 4),
    pagesMax: RESERVE_BYTES / geometry.pageBytes,
    threadsMax: 1,
    mmsMax: MMS_MAX,
    sharedOwner: sharing === 'all',
    debug: false,
    spins: 0,
  };
  const { words } = layoutOf(config);
  const view = viewWords(reserveBuffer(words * 4), 0, words);
  const heap = formatHeap(new SharedMemory(view, true), config);
  initCommonOwner(heap);
  const thread = attachThread(heap, 'epoch');
  growSupply(thread, config.pagesMax);
  return thread;
}
