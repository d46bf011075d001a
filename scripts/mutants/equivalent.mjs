import { labelOf } from './label.mjs';

/**
 * Changes that make no difference which a scenario could see, and why. Each entry of `what` is the
 * begin of a change as `labelOf` gives it: module, function, operator, and, where not all of the
 * operator in that function are meant, what was there and what is.
 */
export const EQUIVALENT = [
  {
    why:
      'the word is written under a lock only, which is held here, or by this thread alone: ' +
      'an atomic read finds no more than a plain one',
    what: [
      'rcu/queue takeRipe plain load',
      'rcu/queue owedBy plain load',
      'rcu/wait tryBarrier plain load',
      'frag/mm takeRecord plain load',
      'pgtable/collapse collapse plain load',
      'pgtable/collapse isLarge plain load',
      'pgtable/collapse split plain load',
      'pgtable/entry isNone plain load',
      'pgtable/entry childOf plain load',
      'pgtable/entry clearEntry plain load',
      'pgtable/entry changeEntry plain load',
      'pgtable/fork isMapped plain load',
      'pgtable/fork copyRange plain load',
      'pgtable/lock lockLowest plain load',
      'pgtable/map protectStep plain load',
      'pgtable/map changeRange plain load',
      'pgtable/tree visitTable plain load',
      'pgtable/tree countBelow plain load',
      'pgtable/walk walkLocked plain load',
    ],
  },
  {
    why:
      'two words that one lock protects, or that one thread has to itself, in the other ' +
      'order: whoever reads both does so after both were written',
    what: [
      'mem/supply takeBlock swap',
      'mem/supply addFree swap',
      'mem/supply tryReturnPages swap retire',
      'mem/supply tryReturnPages swap mem.poke(FREE_PAGES',
      'mem/supply mergeAndAdd swap',
      'rcu/queue takeRipe swap const first',
      'rcu/callback runCallback swap enterBriefly',
      'rcu/callback runChain swap putBack',
      'rcu/reader leaveBriefly swap mem.poke(at(record, THREAD.BRIEFLY_ONLINE), 0)',
      'frag/alloc allocHeld swap if (!heap.debug) eraseNode',
      'frag/alloc allocFresh swap if (heap.debug) fillDebugPage',
      'frag/alloc allocFresh swap mem.poke((ptdesc + ALLOCATED)',
      'frag/alloc allocFresh swap mem.poke(tables',
      'frag/alloc allocFresh swap listAdd',
      'frag/callback pageCallback swap listAdd',
      'frag/callback pageCallback swap if (mem.peek((ptdesc + HOLDER))',
      'frag/callback retirePage swap',
      'frag/free unlist swap',
      'frag/mm initCommonOwner swap',
      'frag/mm tryCreateMm swap initLists',
      'frag/mm destroyMm swap requireEmptyLists',
    ],
  },
  {
    why:
      'a lock is held a little longer, or two are let go of in the other order: the order ' +
      'in which they are taken is the same',
    what: [
      'frag/alloc allocHeld swap release',
      'frag/alloc allocFresh swap release',
      'frag/mm destroyMm swap release',
      'pgtable/collapse collapse swap flush',
      'pgtable/collapse collapse swap release',
      'pgtable/install reclaimTables swap if (child',
    ],
  },
  {
    why:
      'what is refused is refused a moment earlier or later, and nothing is changed in ' +
      'between that is not changed back or harmless',
    what: [
      'rcu/attach detachThread swap refuseInside',
      'rcu/reader rcuOffline swap',
      'rcu/wait tryGrace swap throwIfBroken',
      'rcu/wait rcuBarrier swap',
      'pgtable/lock findTable swap table = tableNamed',
    ],
  },
  {
    why: 'a sleep with a time limit ends later: a delay, and the checker has no time',
    what: [
      'mem/lock acquireAsleep assign',
      'mem/lock acquireAsleep swap',
      'rcu/grace-period endGrace notify',
      'rcu/reclaim stopReclaimers notify',
      'rcu/reclaim stopReclaimers swap',
      'rcu/reclaim reclaim section',
      'rcu/reclaim reclaim swap quiescent',
      'rcu/reclaim reclaim swap rcuOffline',
      'rcu/callback runChain assign runner',
      'rcu/wait sleepForGrace section',
      'rcu/wait sleepForGrace swap',
      'rcu/wait blockUntil swap',
      'rcu/wait tryGrace section',
      'rcu/wait tryGrace swap quiescent',
      'rcu/grace-period advanceGrace swap',
    ],
  },
  {
    why: 'the compare-and-swap that follows finds out whatever this order was to tell',
    what: ['rcu/grace-period beginGrace swap', 'rcu/grace-period beginGrace always'],
  },
  {
    why: 'read by reports alone, of who waits for what: tests of the reports read it',
    what: [
      'mem/lock acquireSlowly write mem.store(sleepsFor',
      'mem/lock acquireSlowly plain',
      'mem/lock look',
      'mem/lock heldLocks',
      'mem/name',
      'mem/heap threadName',
      'rcu/attach attachThread write mem.store(at(record, THREAD.FLAVOUR)',
      'rcu/attach attachThread plain store',
      'rcu/attach attachThread negate',
      'rcu/attach attachThread swap',
      'rcu/attach attachThread call identify',
      'rcu/attach identify',
    ],
  },
  {
    why: 'makes a heap, before any thread has it, or opens one of another program: tests do both',
    what: [
      'mem/heap formatHeap',
      'mem/heap openHeap',
      'mem/heap writeKind',
      'mem/header',
      'mem/config',
      'mem/heap pagesLimit plain',
      'mem/heap mmsHigh plain',
      'mem/heap threadsHigh plain',
      'mem/heap mmOfRecord plain',
    ],
  },
  {
    why: 'the word has that value already, by what was true when its user before let go of it',
    what: [
      'frag/alloc allocFresh write mem.poke((ptdesc + HOLDER), 0)',
      'frag/mm tryCreateMm write',
      'frag/callback retirePage write mem.store(at(ptdesc, OWNER), 0)',
    ],
  },
  {
    why: 'another thread reads the word only to say what was done wrong',
    what: ['frag/callback retirePage plain', 'frag/alloc allocFresh plain store'],
  },
  {
    why: 'BROKEN and S change for good: whoever comes second finds the heap broken all the same',
    what: [
      'mem/lock markBroken torn',
      'mem/lock wakeAll torn',
      'mem/lock throwIfBroken plain',
      'mem/lock acquireAsleep plain',
    ],
  },
  {
    why: 'sleepers of different locks, who know nothing of each other, are woken in another order',
    what: ['mem/lock markBroken swap wakeAll'],
  },
  {
    why: 'the value that is told apart now was dealt with before, or never is there',
    what: [
      'mem/lock release bound',
      'mem/lock throwIfBroken bound > -> >=',
      'rcu/callback poll bound > -> >=',
      'frag/free unlist bound < -> <=',
      'mem/heap atMost bound',
    ],
  },
  {
    why: 'takes a queue of which this thread is the only user',
    what: ['rcu/manual takeQueued'],
  },
  {
    why: 'inside a callback a thread is in a section too, and is refused for that',
    what: ['rcu/callback refuseInside'],
  },
  {
    why: 'a shortcut: what is done without it finds the same',
    what: [
      'rcu/callback serveQueue liveness hasCallbacks(thread.heap, queue) -> true',
      'rcu/callback serveQueue guard !hasCallbacks',
      'rcu/reader rcuReadLock branch !thread.qsbr',
      'rcu/attach raiseHigh bound',
      'rcu/attach raiseHigh guard',
      'rcu/reader leaveBriefly operand !thread.qsbr || isReading(thread) -> (isReading',
      'rcu/reader enterBriefly operand thread.qsbr && !isReading(thread) -> (thread.qsbr)',
      'rcu/reader quiescent operand published !== 0 && published !== graceStarted(thread.heap) -> (published !== 0)',
      'mem/supply forBlocks number 1 -> 2',
      'mem/supply forBlocks number 2 -> 3',
      'mem/supply forBlocks bound <= -> <',
      'rcu/reader enterBriefly liveness isReading(thread) -> false',
      'rcu/reader enterBriefly always',
      'pgtable/fork copyRange always readOnly !== low',
      'pgtable/fork forkStep always changed > 0',
      'pgtable/fork forkStep bound',
      "pgtable/fork forkStep guard prepared.kind === 'hole'",
      'pgtable/map unmapStep bound',
      'pgtable/map protectStep bound',
      'pgtable/map pagesIn bound < -> <=',
      'pgtable/map unmapStep operand changed !== PARTIAL',
      'pgtable/install installTables number 2 -> 1',
      'pgtable/install reclaimTables bound',
      'pgtable/install reclaimTables number 1 -> 0',
      'pgtable/map unmapStep always',
      'pgtable/map unmapStep liveness isEmptyTable',
      'pgtable/map protectStep always changed > 0',
      'pgtable/collapse collapse always isLeaf',
      'pgtable/install installTables guard hasTable',
      'pgtable/collapse isLarge guard hasTable',
      'pgtable/entry setEntry always',
      'pgtable/entry clearEntry always',
      'frag/free tryFreeTable always !aligned',
      'frag/poison poison always',
      'frag/contents fillEmpty guard',
      'frag/alloc allocHeld always',
      'frag/alloc allocFresh always heap.debug',
      'frag/callback ripenPage bound',
      'frag/callback ripenPrivate always heap.debug',
      'frag/contents findNotEmpty bound',
      'frag/ptdesc findFree bound',
    ],
  },
  {
    why: 'no word, or one that is empty and that nobody reads, is written besides',
    what: [
      'frag/contents fillEmpty bound',
      'frag/poison poison bound',
      'frag/ptdesc initStates bound',
    ],
  },
  {
    why: 'a look, from which nothing follows but that somebody waits or does something else first',
    what: [
      'frag/alloc pageOfNext plain load',
      'pgtable/lock lockInTheWay operand number >= 0 && found === 0 -> (number',
    ],
  },
  {
    why: 'no table lies at 0, where the header is, and its first word is no empty entry',
    what: [
      'pgtable/install reclaimTables operand child !== 0 && isEmptyTable(space, below, child) -> (isEmptyTable',
      'pgtable/map stalledAt operand table !== 0 && isEmptyTable(space, PTE, table) -> (isEmptyTable',
    ],
  },
  {
    why: 'of a lone bit that is even, half of its number is half of the next one',
    what: ['frag/state lowestSlot number 31 -> 32'],
  },
  {
    why:
      'what was so a moment before is found: a table that was linked meanwhile counts as ' +
      'linked later',
    what: ['pgtable/lock lockLowest liveness isTable', 'pgtable/lock lockLowest always number'],
  },
  {
    why: 'no entry of the lowest level names a table, whatever it holds: test/core/pgtable/format',
    what: [
      'pgtable/lock lockLowest operand number === 0 || !isTable(levelOf(format, number), low) -> (!isTable',
      'pgtable/tree visitTable operand number > 0 && isTable(level, low) -> (isTable',
      'pgtable/tree visitTable bound > -> >=',
      'pgtable/tree countBelow guard',
      'pgtable/walk walkOnce operand number === 0 || !isTable(level, low) -> (!isTable',
    ],
  },
  {
    why:
      'a table too far up names the one below, where it goes on; the top one is missing only ' +
      'where the tree is, which the next look finds',
    what: ['pgtable/lock lockLowest number 1 -> 2', 'pgtable/lock lockLowest number 1 -> 0'],
  },
  {
    why: 'a compare-and-swap that changes nothing, and wakes who looks again by itself soon',
    what: [
      'rcu/grace-period endGrace operand completed === started || readerBefore(heap, started) !== null -> (readerBefore',
    ],
  },
  {
    why: 'nobody has the two words behind the last list: they are written, or found 0, in vain',
    what: ['frag/mm initLists bound', 'frag/mm requireEmptyLists bound'],
  },
  {
    why: '0 is refused for its record, too; that every number of record 0 is, tests ask',
    what: ['frag/mm isMm bound > -> >='],
  },
  {
    why: 'behind the last fragment of a page states are 00, or those of a page that was all F',
    what: ['frag/poison poisonRipe bound'],
  },
  {
    why: 'asked when the module is loaded, of constants that are far from the bound',
    what: ['pgtable/walk  bound', 'pgtable/walk  number 1 -> 2'],
  },
  {
    why: 'nobody else knows the child of a fork',
    what: ['pgtable/fork copyRange swap if (readOnly', 'pgtable/fork copyRange swap setEntry'],
  },
  {
    why: 'matters to a thread alone that is broken off between the two',
    what: [
      'rcu/reader rcuReadUnlock swap',
      'rcu/reader leaveAllSections swap',
      'pgtable/tlb lookUp write memory.poke((slot + SLOT.MM), NO_MM)',
    ],
  },
  {
    why: 'grace periods would have to wrap',
    what: ['rcu/grace-period successor'],
  },
];

/** Why a change makes no difference; null: it should. */
export function whyEquivalent(mutant) {
  const label = labelOf(mutant);
  const entry = EQUIVALENT.find(({ what }) => what.some((begin) => label.startsWith(begin)));
  return entry?.why ?? null;
}
