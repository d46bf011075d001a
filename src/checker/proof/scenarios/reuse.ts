/**
 * A record serves its next mm while somebody still has the number of the last one: what is asked
 * for by that number is refused, and the next mm is not touched (P11).
 *
 * There is one record. The first thread ends the mm and makes the next one; the second has kept
 * the number, a table's address or a handle on the space, and uses it when it likes.
 */
import type { MmId, Vpn } from '../../../core/base/units.js';
import { createMm, destroyMm, tablesOf } from '../../../core/frag/mm.js';
import type { Thread } from '../../../core/mem/heap.js';
import { endSpace, makeSpace, spaceOf } from '../../../core/pgtable/space.js';
import { type Tlb, walkCached } from '../../../core/pgtable/tlb.js';
import { rcuReadLock, rcuReadUnlock } from '../../../core/rcu/reader.js';
import type { Operation } from '../../model/program.js';
import type { Finding, Scenario } from '../../model/scenario.js';
import { PTE } from '../kit.js';
import { type CoreScenario, coreScenario, heapScenario, orRefused, type World } from './actors.js';
import { MODEL_FORMAT } from './forms.js';
import { judged, mapPage, treeScenario, unmapAll, walks } from './tree.js';

type Two = readonly [Thread, Thread];

/** Ends the mm and makes the next one in its record; the operation `NEXT` returns its number. */
function replaces(world: World, thread: Thread): Operation[] {
  const { see } = world;
  return [
    orRefused('destroy', () => world.destroy(thread)),
    world.serve(thread, thread),
    (): MmId | null => {
      let mm: MmId | null = null;
      const made = orRefused('create', () => {
        mm = createMm(thread);
      })([]);
      see(made as string);
      return mm;
    },
  ];
}

const NEXT = 2;

/** The next mm, of which nobody else has the number, is live and has so many tables. */
function untouched(world: World, mm: unknown, tables: number): Finding[] {
  if (mm === null) return [];
  const found: Finding[] = [];
  if (mm === world.mm) found.push({ rule: 'P11', detail: `two mms have number ${world.mm}` });
  const counts = orRefused('next', () => {
    const count = tablesOf(world.threads[0] as Thread, mm as MmId);
    if (count !== tables) found.push({ rule: 'P11', detail: `mm ${mm} has ${count} tables` });
  })([]);
  if (counts !== 'next: done') found.push({ rule: 'P11', detail: `mm ${mm}: ${counts}` });
  return found;
}

const staleAlloc = coreScenario({
  name: 'stale-alloc-vs-create+number',
  about: 'A table is asked for by the number of an mm whose record serves the next one.',
  rules: ['P11', 'P5'],
  mustSee: ['create: done', 'stale: done', 'stale: mm-not-live', 'destroy: mm-has-tables'],
  kit: { threads: 2, pages: 1 },
  play: (world) => {
    const { core, mm, threads } = world;
    const [one, two] = threads as Two;
    const allocs = (): unknown => core.allocTable(two, mm, PTE);
    return {
      threads: [replaces(world, one), [orRefused('stale', allocs)]],
      atEnd: ([first]) => untouched(world, first?.[NEXT], 0),
    };
  },
});

const staleDestroy = coreScenario({
  name: 'stale-destroy-vs-create+number',
  about: 'An mm is ended again, by its number, when its record serves the next one.',
  rules: ['P11', 'P5', 'P7'],
  mustSee: ['create: done', 'stale: done', 'stale: mm-not-live', 'destroy: mm-not-live'],
  kit: { threads: 2, pages: 1 },
  play: (world) => {
    const [one, two] = world.threads as Two;
    return {
      threads: [replaces(world, one), [orRefused('stale', () => world.destroy(two))]],
      atEnd: ([first]) => untouched(world, first?.[NEXT], 0),
    };
  },
});

/** The core's alone: the variants find a table before they ask for its mm. */
const staleFree = heapScenario({
  name: 'stale-free-vs-create+table',
  about:
    'A table is freed again, by the number of its mm, when the next mm may have been given it.',
  rules: ['P11', 'P1'],
  mustSee: ['create: done', 'stale: foreign-fragment', 'stale: mm-not-live', 'same table'],
  kit: { threads: 2, pages: 1 },
  play: (world) => {
    const { core, see, threads } = world;
    const [one, two] = threads as Two;
    const table = world.takeOne(one);
    world.free(one, table);
    world.serveAll(one);
    const takes: Operation = (results) => {
      const mm = results[NEXT] as MmId | null;
      const taken = mm === null ? null : core.allocTable(one, mm, PTE);
      if (taken === table) see('same table');
    };
    return {
      threads: [
        [...replaces(world, one), takes],
        [orRefused('stale', () => world.free(two, table))],
      ],
      atEnd: ([first]) => untouched(world, first?.[NEXT], 1),
    };
  },
});

/** The core's alone, as above. The mm has ended, and its record may be taken, before it begins. */
const staleListed = heapScenario({
  name: 'stale-alloc-vs-create+listed-page',
  about: 'A table is asked for by the number of an ended mm, and the next one has a page to share.',
  rules: ['P11', 'P6'],
  mustSee: ['stale: mm-not-live'],
  kit: { threads: 2, pages: 2 },
  play: (world) => {
    const { core, threads } = world;
    const [one, two] = threads as Two;
    world.destroy(one);
    world.serveAll(one);
    const takes: Operation = ([mm]) => core.allocTable(one, mm as MmId, PTE);
    return {
      threads: [
        [(): MmId => createMm(one), takes],
        [orRefused('stale', () => core.allocTable(two, world.mm, PTE))],
      ],
      atEnd: ([first]) => untouched(world, first?.[0], 1),
    };
  },
});

/** Ends a space and its mm, and makes another in the record, with page 0 mapped to frame 9. */
function replacesSpace(world: World, thread: Thread): Operation[] {
  const space = spaceOf(thread, MODEL_FORMAT, world.mm);
  return [
    (): void => unmapAll(space),
    orRefused('destroy', () => {
      endSpace(space);
      destroyMm(thread, space.mm);
    }),
    world.serve(thread, thread),
    orRefused('create', () => {
      const next = spaceOf(thread, MODEL_FORMAT, createMm(thread));
      makeSpace(next);
      mapPage(next, 0, 9);
    }),
  ];
}

const staleWalk = treeScenario({
  name: 'stale-walk-vs-create+handle',
  about: 'A space ends, and its record serves the next, while a handle on the first still walks.',
  rules: ['P11', 'T1', 'T3', 'P5', 'H1', 'H6'],
  mustSee: ['walk: 16', 'walk: nothing', 'destroy: done', 'create: done', 'create: no room'],
  threads: 2,
  mapped: [0],
  play: ({ world, by }) => {
    const [one, two] = world.threads as Two;
    return [replacesSpace(world, one), [walks(by(two), 0, [16, -1])]];
  },
});

/** A word of the scenario's own: where a TLB of one slot begins. */
const TLB_AT = 4;

const staleCached = treeScenario({
  name: 'stale-walk-vs-create+tlb',
  about: 'The same by way of a TLB that may have the page, of the first space.',
  rules: ['P11', 'T4'],
  mustSee: ['walk: 16', 'walk: nothing', 'destroy: done', 'create: done'],
  threads: 2,
  mapped: [0],
  play: ({ world, by }) => {
    const [one, two] = world.threads as Two;
    const space = by(two);
    const cache: Tlb = { memory: two.mem, slotsAt: world.kit.own(TLB_AT), slots: 1 };
    const walksCached = (): string => {
      rcuReadLock(two);
      const found = walkCached(space, cache, 0 as Vpn);
      rcuReadUnlock(two);
      return judged(found, [16, -1]);
    };
    return [replacesSpace(world, one), [walksCached, walksCached]];
  },
});

export const REUSE_SCENARIOS: readonly CoreScenario[] = [staleAlloc, staleDestroy];
export const REUSE_HEAP_SCENARIOS: readonly Scenario[] = [
  staleFree,
  staleListed,
  staleWalk,
  staleCached,
];
