/**
 * Ours: the shipping core on a heap of its own, driven by one thread that decides itself when grace
 * periods end; or one of its variants (core.ts). Everything but that is the code that ships, over a
 * seam that counts. What differs between the two ways of ending grace periods is in
 * common-recorded.ts and common-timed.ts.
 *
 * The heap has records only: of a page's memory no more than room for list nodes, for nobody looks
 * into a table here. Geometry decides how many fragments a page has; bytes are counted elsewhere.
 */
import type { KindId, MmId, Pfn, Word } from '../../core/base/units.js';
import { checkHeap, type Violation } from '../../core/frag/check.js';
import { createMm, initCommonOwner } from '../../core/frag/mm.js';
import { outOfPages } from '../../core/frag/shortage.js';
import { CountingMemory } from '../../core/mem/counting.js';
import {
  formatHeap,
  headerWord,
  type Kind,
  pfnOfAddress,
  pfnOfPtdesc,
  type Thread,
} from '../../core/mem/heap.js';
import { HEAP, PTDESC } from '../../core/mem/layout.js';
import { layoutOf } from '../../core/mem/regions.js';
import { reserveBuffer, viewWords } from '../../core/mem/shared.js';
import { growSupply } from '../../core/mem/supply.js';
import { type Geometry, kindsOf } from '../../core/pgtable/geometry.js';
import { attachThread } from '../../core/rcu/attach.js';
import { runCallback } from '../../core/rcu/callback.js';
import { advanceGrace } from '../../core/rcu/grace-period.js';
import { takeQueued } from '../../core/rcu/manual.js';
import type { Core } from '../../core/variants/core.js';
import * as counts from './counts.js';
import { type Counts, PageUse } from './counts.js';
import type { Design, Scale, Setting, Sharing } from './design.js';

/** Room for whoever does not know better: reserved, not used. The OS commits what is touched. */
const SCALE: Scale = Object.freeze({ pages: 2 ** 18, mms: 2 ** 16 });

/** What a heap can have at most (mem/heap.ts). */
const WORDS_MAX = 2 ** 30;
const PAGES_MAX = 2 ** 24;
const MMS_MAX = 2 ** 20;

/** How many pages the supply is given when it has none left. */
const GROWTH = 1024;

/** Words of a fragment: enough for a list node, and the least that a heap allows. */
const FRAGMENT_WORDS = 4;
const PAGE_WORDS_MIN = 16;

export class CommonPage extends PageUse {
  readonly head: Word;
  /** recorded: counts the page's callbacks. Tables of this round are C, those of the next N. */
  round = 0;
  /** recorded: tables of this round and of the next that have not ended. */
  current = 0;
  next = 0;

  constructor(kind: 0 | 1, head: Word) {
    super(kind);
    this.head = head;
  }
}

export interface CommonTable {
  readonly mm: number;
  readonly address: Word;
  readonly page: CommonPage;
  live: boolean;
  /** recorded: the round of its page that it ends with. */
  round: number;
}

export abstract class Common implements Design {
  readonly name: string;
  readonly sharing: Sharing;
  readonly counts: Counts;
  protected readonly thread: Thread;
  protected readonly tables: Map<number, CommonTable> = new Map();
  private readonly core: Core;
  private readonly memory: CountingMemory;
  private readonly mms = new Map<number, MmId>();
  /** By number; those that were never taken are null. */
  protected readonly pages: (CommonPage | null)[] = [];

  constructor(core: Core, { geometry, sharing, scale = SCALE }: Setting) {
    this.core = core;
    this.name = core.name;
    this.sharing = sharing;
    [this.thread, this.memory] = recordsOnly(geometry, sharing, scale);
    this.counts = counts.emptyCounts(this.memory);
  }

  createMm(mm: number): void {
    this.mms.set(mm, createMm(this.thread));
  }

  exitMm(): void {}

  destroyMm(mm: number): void {
    this.core.destroyMm(this.thread, this.mmId(mm));
    this.mms.delete(mm);
    this.mmQueued(mm, takeQueued(this.thread));
  }

  alloc(mm: number, kind: 0 | 1, table: number): void {
    const before = this.freePages() || this.grow();
    this.memory.kind = kind;
    const address = this.core.allocTable(this.thread, this.mmId(mm), kind as number as KindId);
    this.memory.kind = 2;
    if (address === null) throw outOfPages(this.thread.heap, 'the replay');
    const pfn = pfnOfAddress(this.thread.heap, address);
    let page = this.pages[pfn] as CommonPage | null;
    if (this.freePages() < before) {
      page = this.pages[pfn] = this.newPage(pfn, kind);
      counts.noteFresh(this.counts, page);
    } else counts.noteReused(this.counts, page as CommonPage);
    this.tables.set(table, { mm, address, page: page as CommonPage, live: true, round: 0 });
  }

  free(mm: number, _kind: 0 | 1, table: number): void {
    const found = this.tables.get(table) as CommonTable;
    found.live = false;
    this.memory.kind = found.page.kind;
    this.core.freeTable(this.thread, this.mmId(mm), found.address);
    this.memory.kind = 2;
    counts.noteFree(this.counts, found.page);
    this.tableQueued(table, found, takeQueued(this.thread));
  }

  /** Every free is deferred. */
  defer(mm: number, kind: 0 | 1, table: number): void {
    this.free(mm, kind, table);
  }

  freeNow(mm: number, kind: 0 | 1, table: number): boolean {
    this.free(mm, kind, table);
    return false;
  }

  settled(): void {}

  /** A table was freed; `heads` has its page's if that was queued by it. */
  protected abstract tableQueued(number: number, table: CommonTable, heads: readonly Word[]): void;
  protected abstract mmQueued(mm: number, heads: readonly Word[]): void;
  /** All heads that wait, for the end. */
  protected abstract waitingHeads(): readonly Word[];

  abstract end(table: number): void;
  abstract endMm(mm: number): void;
  abstract settle(): void;
  abstract wantsGrace(): boolean;
  abstract beginGrace(): void;
  abstract endGrace(): void;

  /** Runs the callback of a head whose time has come; returns what it queued. */
  protected runHead(head: Word): readonly Word[] {
    const { heap } = this.thread;
    const isPage = head >= heap.ptdescsAt;
    const page = isPage ? (this.pages[pfnOfPtdesc(heap, head)] as CommonPage) : null;
    const before = this.freePages();
    this.memory.kind = page === null ? 2 : page.kind;
    runCallback(this.thread, this.core.callbacks, head);
    this.memory.kind = 2;
    if (page === null) this.counts.mmCallbacks++;
    else this.counts.callbacks[page.kind]++;
    if (page !== null && this.freePages() > before) counts.noteBack(this.counts, page);
    return takeQueued(this.thread);
  }

  finish(): Violation[] {
    // The variants can only be checked when nothing waits.
    const { check } = this.core;
    const violations = check === checkHeap ? check(this.thread.heap, { queues: false }) : [];
    for (const [table, { mm, live }] of this.tables) if (live) this.free(mm, 0, table);
    for (const mm of [...this.mms.keys()]) this.destroyMm(mm);
    let heads = this.waitingHeads();
    while (heads.length > 0) {
      advanceGrace(this.thread.heap);
      heads = heads.flatMap((head) => this.runHead(head));
    }
    violations.push(...check(this.thread.heap, { drained: true }));
    const left = this.counts.pages[0] + this.counts.pages[1];
    if (left !== 0) violations.push({ rule: 'P9', detail: `${left} pages did not come back` });
    return violations;
  }

  private newPage(pfn: Pfn, kind: 0 | 1): CommonPage {
    const head = (this.thread.heap.ptdescsAt + pfn * PTDESC.WORDS + PTDESC.RCU) as Word;
    return new CommonPage(kind, head);
  }

  private freePages(): number {
    // Plain, without the supply lock: no other thread is attached.
    return this.memory.peek(headerWord(HEAP.FREE_PAGES));
  }

  /** The check walks what the supply has, so it is not given more than is needed. */
  private grow(): number {
    const grown = growSupply(this.thread, GROWTH);
    for (let i = 0; i < grown; i++) this.pages.push(null);
    return grown;
  }

  private mmId(mm: number): MmId {
    return this.mms.get(mm) as MmId;
  }
}

/** A heap whose pages have room for list nodes and nothing else, and the only thread of it. */
function recordsOnly(
  geometry: Geometry,
  sharing: Sharing,
  scale: Scale,
): [thread: Thread, memory: CountingMemory] {
  const perPage = geometry.kinds.map((kind) => kind.perPage);
  const pageWords = Math.max(PAGE_WORDS_MIN, FRAGMENT_WORDS * Math.max(...perPage));
  const mmsMax = Math.min(scale.mms + 2, MMS_MAX);
  const room =
    WORDS_MAX -
    layoutOf({ pageShift: 0, pagesMax: 0, threadsMax: 1, mmsMax, debug: false, kinds: [] }).words;
  const fitting = Math.floor(room / (PTDESC.WORDS + pageWords)) - 1;
  const config = {
    geometry: geometry.name,
    kinds: kindsOf(geometry).map((kind) => shrunk(kind, pageWords)),
    pageShift: Math.log2(pageWords),
    pagesMax: Math.max(1, Math.min(scale.pages, PAGES_MAX, fitting)),
    threadsMax: 1,
    mmsMax,
    sharedOwner: sharing === 'all',
    debug: false,
    spins: 0,
  };
  const layout = layoutOf(config);
  const memory = new CountingMemory(
    viewWords(reserveBuffer(layout.words * 4), 0, layout.words),
    layout,
  );
  const heap = formatHeap(memory, config);
  initCommonOwner(heap);
  return [attachThread(heap, 'epoch'), memory];
}

/** The kind with fragments that just fill a page of so many words, and no bytes but entries. */
function shrunk(kind: Kind, pageWords: number): Kind {
  const fragmentWords = (pageWords * 2 ** kind.order) / kind.perPage;
  return { ...kind, fragmentWords, entryWords: fragmentWords };
}
