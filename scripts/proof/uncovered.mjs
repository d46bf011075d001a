/**
 * What of the core's rooms no scenario runs, and why. `where` names modules, or functions of which
 * all or a part never runs. What ends an operation that was called wrongly, or that found a rule
 * broken, is left out: who does so is asked by tests. A test compares this list with what runs.
 */
export const UNCOVERED = [
  {
    why: 'the memory over a SharedArrayBuffer, and what it needs: the checker brings another one',
    where: ['core/mem/shared.ts', 'core/mem/support.ts'],
  },
  { why: 'counts accesses, to compare costs', where: ['core/mem/counting.ts'] },
  {
    why: 'looks for broken rules, in every scenario, and finds none',
    where: [
      'core/mem/supply-check.ts',
      'core/frag/check.ts',
      'core/frag/check-page.ts',
      'core/pgtable/tree.ts:visitTable',
      'core/pgtable/tree.ts:onTable',
      'core/pgtable/tree.ts:onBad',
      'core/pgtable/tree.ts:checkTree',
      'core/mem/lock.ts:look',
      'core/mem/header.ts:constantsFaults',
      'core/mem/header.ts:wordFaults',
      'core/mem/places.ts:isHead',
    ],
  },
  {
    why: 'makes a message or a report, of words that it only reads',
    where: [
      'core/rcu/held-up.ts',
      'core/rcu/wait.ts:heldUp',
      'core/frag/shortage.ts',
      'core/mem/heap.ts:threadName',
      'core/mem/lock.ts:nameOfLock',
      'core/mem/name.ts:isNameOf',
      'core/mem/header.ts:damaged',
      'core/mem/config.ts:kindFault',
      'core/frag/mm.ts:liveMms',
      'core/frag/mm.ts:noSuchMm',
      'core/frag/mm.ts:whyNotLive',
      'core/pgtable/space.ts:noSpace',
      'core/pgtable/space.ts:ending',
    ],
  },
  {
    why: 'refuses a table that is freed with something in it, in a debug heap: tests try it',
    where: [
      'core/frag/contents.ts:findNotEmpty',
      'core/frag/free.ts:explainTable',
      'core/frag/poison.ts:poisonFreed',
    ],
  },
  {
    why: 'takes no part in what threads do at once: computes, or reads one word for its caller',
    where: [
      'core/mem/config.ts:checkConfig',
      'core/rcu/callback.ts:queuedBy',
      'core/frag/callback-table.ts:callbackTable',
      'core/frag/state.ts:hasN',
      'core/frag/contents.ts:isEmptyWord',
      'core/pgtable/tlb.ts:walkCachedAddress',
      'core/pgtable/walk.ts:walkAddress',
      'core/pgtable/tree.ts:countTables',
      'core/pgtable/tree.ts:countBelow',
    ],
  },
  {
    why: 'looks at the list of an owner without its lock, for a hint: a race that decides nothing',
    where: [
      'core/frag/alloc.ts:lockBeforeAlloc',
      'core/frag/alloc.ts:pageOfNext',
      'core/pgtable/lock.ts:lockOfNext',
      'core/pgtable/lock.ts:lockInTheWay',
      'core/pgtable/lock.ts:lockOfNewSpace',
    ],
  },
  {
    why: 'what a thread says of itself to whoever watches it: nothing is decided by it',
    where: ['core/mem/signs.ts'],
  },
  {
    why: 'the name of a thread and when it attached: threads of scenarios have none',
    where: ['core/rcu/attach.ts:identify'],
  },
  {
    why: 'the shipped sizes and formats of entries: tables of thousands of entries; tests try each',
    where: [
      'core/pgtable/formats/hash.ts',
      'core/pgtable/formats/index.ts',
      'core/pgtable/formats/levels.ts',
      'core/pgtable/formats/powerpc.ts',
      'core/pgtable/formats/radix.ts',
      'core/pgtable/formats/s390.ts',
      'core/pgtable/formats/sv39.ts',
      'core/pgtable/formats/x86-64.ts',
      'core/pgtable/geometry.ts',
      'core/pgtable/format.ts:withRead',
    ],
  },
  {
    why: 'writes a tree into a file, while no thread changes it',
    where: ['core/pgtable/image.ts'],
  },
  {
    why: 'there is no tree any more, or none of its tables: tests try it on one thread',
    where: [
      'core/pgtable/collapse.ts:split',
      'core/pgtable/fork.ts:prepareStep',
      'core/pgtable/fork.ts:prepare',
      'core/pgtable/fork.ts:forkStep',
      'core/pgtable/install.ts:reclaimTables',
      'core/pgtable/install.ts:reclaimEmpty',
      'core/pgtable/lock.ts:findTable',
      'core/pgtable/map.ts:scanStep',
      'core/pgtable/map.ts:unmapStep',
      'core/pgtable/map.ts:protectStep',
      'core/pgtable/space.ts:endSpace',
      'core/pgtable/tree.ts:visitTree',
    ],
  },
  {
    why: 'gives up after many rounds, which take more steps than a scenario has',
    where: ['core/rcu/obtain.ts:tryObtain'],
  },
];

/** A module that the list names as a whole: no mutant of it is asked about either. */
export function isOutside(module) {
  const source = module.replace(/\.js$/, '.ts');
  return UNCOVERED.some(({ where }) => where.includes(source));
}
