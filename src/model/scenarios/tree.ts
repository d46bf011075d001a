/**
 * Page tables: a walk without a lock, and everything that pulls its tables away or changes them.
 *
 *   T1  every table of an mm is named by one entry of its tree, and no other
 *   T2  an entry is none, or names a table, or maps a frame; nobody acts on halves of two
 *   T3  a walk finds what was mapped there at some instant of its section
 *   T4  after a flush has returned no TLB gives what it flushed
 */
import { InvariantError } from '../../base/errors.js';
import type { MmId, Vpn } from '../../base/units.js';
import { createMm, destroyMm } from '../../frag/mm.js';
import type { Thread } from '../../mem/heap.js';
import { collapse } from '../../pgtable/collapse.js';
import { forkStep } from '../../pgtable/fork.js';
import { mapStep, protectStep, unmapStep } from '../../pgtable/map.js';
import { endSpace, makeSpace, rootOf, type Space, spaceOf } from '../../pgtable/space.js';
import { type Tlb, walkCached } from '../../pgtable/tlb.js';
import { checkTree } from '../../pgtable/tree.js';
import { frameOf, NOT_MAPPED, protOf, walk } from '../../pgtable/walk.js';
import { rcuReadLock, rcuReadUnlock } from '../../rcu/reader.js';
import type { KitOptions } from '../kit.js';
import type { Operation } from '../machine.js';
import type { Finding, Scenario } from '../scenario.js';
import { heapScenario, orRefused, type World } from './actors.js';
import { MODEL_FORMAT, TREE_KINDS } from './forms.js';

/** The tree has 8 pages; 0 and 1 share a table, 2 has another below the same one above. */
const ALL = 8;
const PAGE_BYTES = 4096;

/** What a page allows in scenarios: nobody asks for anything else. */
const PROT = 1;

interface TreeWorld {
  readonly world: World;
  readonly space: Space;
  /** The space as another thread has it. */
  readonly by: (thread: Thread) => Space;
  readonly see: World['see'];
}

interface TreeBody {
  readonly name: string;
  readonly about: string;
  readonly rules: readonly string[];
  readonly mustSee: readonly string[];
  readonly threads: number;
  readonly pages?: number;
  readonly mms?: number;
  /** Pages that setting up maps, each to the frame of its number plus 16. */
  readonly mapped: readonly number[];
  readonly play: (world: TreeWorld) => readonly (readonly Operation[])[];
  readonly atEnd?: (
    world: TreeWorld,
    results: readonly (readonly unknown[])[],
  ) => readonly (Finding | null)[];
}

/** A scenario over a small tree; at its end the tree is checked, taken down, and all comes back. */
function treeScenario(body: TreeBody): Scenario {
  const { threads, pages = 3, mms = 1 } = body;
  const kit: KitOptions = { threads, pages, mms, kinds: TREE_KINDS };
  const { name, about, rules, mustSee } = body;
  return heapScenario({
    ...{ name, about, rules, mustSee, kit },
    play: (world) => {
      const by = (thread: Thread): Space => spaceOf(thread, MODEL_FORMAT, world.mm);
      const space = by(world.threads[0] as Thread);
      const tree: TreeWorld = { world, space, by, see: world.see };
      makeSpace(space);
      for (const page of body.mapped) mapPage(space, page, page + 16);
      return {
        threads: body.play(tree),
        atEnd: (results) => {
          const found = [...(body.atEnd?.(tree, results) ?? [])];
          found.push(...endOf(space));
          return found;
        },
      };
    },
  });
}

/** Checks what is left of a tree, and takes it down. */
function endOf(space: Space): Finding[] {
  if (rootOf(space) === 0) return [];
  const found = checkTree(space);
  unmapAll(space);
  if (!endSpace(space)) found.push({ rule: 'T1', detail: 'something is left of an unmapped tree' });
  else destroyMm(space.thread, space.mm);
  return found;
}

function unmapAll(space: Space): void {
  let vpn = 0;
  while (vpn < ALL) {
    const step = unmapStep(space, vpn as Vpn, ALL - vpn);
    if (step.kind !== 'done') throw new InvariantError('T1', `unmap: ${step.kind}`);
    vpn += step.pages;
  }
}

/** Maps one page; `mapped` if it was there already. */
function mapPage(space: Space, page: number, frame: number): string {
  for (;;) {
    const step = mapStep(space, page as Vpn, 1, frame * PAGE_BYTES, PROT);
    if (step.kind !== 'done') return step.kind;
    if (step.pages === 1) return 'done';
  }
}

function maps(space: Space, page: number, frame: number): Operation {
  return () => `map: ${mapPage(space, page, frame)}`;
}

function unmaps(space: Space, page: number): Operation {
  return () => {
    unmapStep(space, page as Vpn, 1);
  };
}

/** One walk in a section of its own: it may find these frames, or nothing if -1 is among them. */
function walks(space: Space, page: number, may: readonly number[]): Operation {
  const { thread } = space;
  return () => {
    rcuReadLock(thread);
    const found = walk(space, page as Vpn);
    rcuReadUnlock(thread);
    return judged(found, may);
  };
}

function judged(found: number, may: readonly number[]): string {
  const frame = found === NOT_MAPPED ? -1 : frameOf(found);
  const odd = found !== NOT_MAPPED && protOf(found) !== PROT;
  if (odd || !may.includes(frame)) {
    const what = odd ? `what allows ${protOf(found)}` : `frame ${frame}`;
    throw new InvariantError('T3', `a walk found ${what}, which was never mapped there`);
  }
  return frame === -1 ? 'walk: nothing' : `walk: ${frame}`;
}

const walkVsUnmap = treeScenario({
  name: 'walk-vs-unmap+last-page',
  about:
    'The last page of a table is unmapped, and the table used again, while another walks to it.',
  rules: ['T1', 'T3', 'P2', 'H6'],
  mustSee: ['walk: 16', 'walk: nothing', 'callbacks 2', 'map: done'],
  threads: 2,
  mapped: [0],
  play: ({ world, by }) => {
    const [one, two] = world.threads as [Thread, Thread];
    return [
      [unmaps(by(one), 0), world.serve(one, one), world.serve(one, one), maps(by(one), 4, 9)],
      [walks(by(two), 0, [16, -1])],
    ];
  },
});

const walkVsCollapse = treeScenario({
  name: 'walk-vs-collapse+one-table',
  about: 'Two pages become one large frame while another walks to one of them.',
  rules: ['T1', 'T3', 'P2', 'P8', 'H5'],
  mustSee: ['walk: 17', 'walk: 33', 'collapsed', 'callbacks 1'],
  threads: 2,
  mapped: [0, 1, 2],
  play: ({ world, by }) => {
    const [one, two] = world.threads as [Thread, Thread];
    return [
      [collapses(by(one), 0, 32), world.serve(one, one), maps(by(one), 4, 9)],
      // Never nothing: the entry above goes from the one to the other in one store.
      [walks(by(two), 1, [17, 33])],
    ];
  },
});

function collapses(space: Space, page: number, frame: number): Operation {
  return () => {
    const done = collapse(space, page as Vpn, frame * PAGE_BYTES, PROT);
    return done ? 'collapsed' : 'nothing to collapse';
  };
}

const faultVsCollapse = treeScenario({
  name: 'fault-vs-collapse+same-table',
  about: 'A page is mapped by a fault while its table is retracted: before, or into what follows.',
  rules: ['T1', 'T2', 'P8', 'H5', 'H6'],
  mustSee: ['map: done', 'map: mapped', 'collapsed'],
  threads: 2,
  mapped: [0, 2],
  play: ({ world, by }) => {
    const [one, two] = world.threads as [Thread, Thread];
    return [[collapses(by(one), 0, 32)], [maps(by(two), 1, 17)]];
  },
  atEnd: ({ space }) => [must(space, 0, 32), must(space, 1, 33)],
});

/** What a page must be mapped to in the end. */
function must(space: Space, page: number, frame: number): Finding | null {
  const found = walk(space, page as Vpn);
  if (found !== NOT_MAPPED && frameOf(found) === frame) return null;
  return { rule: 'T3', detail: `page ${page} is not mapped to ${frame} in the end` };
}

const faultVsFault = treeScenario({
  name: 'fault-vs-fault+no-table',
  about: 'Two faults bring the table of one span: one is linked, and both pages are mapped.',
  rules: ['T1', 'P1'],
  mustSee: ['map: done'],
  threads: 2,
  mapped: [2],
  play: ({ world, by }) => {
    const [one, two] = world.threads as [Thread, Thread];
    return [[maps(by(one), 0, 16)], [maps(by(two), 1, 17)]];
  },
  atEnd: ({ space }) => [must(space, 0, 16), must(space, 1, 17)],
});

const mapVsUnmap = treeScenario({
  name: 'fault-vs-unmap+emptied-table',
  about: 'A page is mapped in a table that is being taken out because its last page went.',
  rules: ['T1', 'T2', 'H6'],
  mustSee: ['map: done'],
  threads: 2,
  pages: 9,
  mapped: [0, 2],
  play: ({ world, by }) => {
    const [one, two] = world.threads as [Thread, Thread];
    return [[unmaps(by(one), 0)], [maps(by(two), 1, 17)]];
  },
  atEnd: ({ space }) => [must(space, 1, 17)],
});

const forkVsUnmap = treeScenario({
  name: 'fork-vs-unmap+one-table',
  about: 'A tree is copied while a page of it is unmapped: the child has the page or it has not.',
  rules: ['T1', 'T2'],
  mustSee: ['child has the page', 'child has none'],
  threads: 2,
  mms: 2,
  pages: 6,
  mapped: [0, 1],
  play: ({ world, by }) => {
    const [one, two] = world.threads as [Thread, Thread];
    const child = spaceOf(one, MODEL_FORMAT, createMm(one));
    makeSpace(child);
    const forks = (): string => {
      forkStep(by(one), child, 0 as Vpn, ALL);
      return walk(child, 0 as Vpn) === NOT_MAPPED ? 'child has none' : 'child has the page';
    };
    const ends = (): readonly Finding[] => endOf(child);
    return [[forks, ends], [unmaps(by(two), 0)]];
  },
  atEnd: ({ space }, results) => [
    must(space, 1, 17),
    ...((results[0]?.[1] as readonly Finding[] | undefined) ?? []),
  ],
});

/** A word of the scenario's own: 1 while the space may be walked. */
const THERE = 1;

const exitVsWalk = treeScenario({
  name: 'exit-vs-walk+outsider',
  about: 'A space ends, and its record serves the next, while an outsider still walks in it.',
  rules: ['T1', 'T3', 'P5', 'H1', 'H6'],
  mustSee: ['walk: 16', 'walk: nothing', 'destroy: done', 'create: done', 'create: no room'],
  threads: 2,
  mapped: [0],
  play: ({ world, by }) => {
    const [one, two] = world.threads as [Thread, Thread];
    const space = by(one);
    const there = world.kit.own(THERE);
    one.mem.store(there, 1);
    const walksIfThere = (): string => {
      rcuReadLock(two);
      const found = two.mem.load(there) === 1 ? walk(by(two), 0 as Vpn) : NOT_MAPPED;
      rcuReadUnlock(two);
      return judged(found, [16, -1]);
    };
    return [
      [
        (): void => one.mem.store(there, 0),
        (): void => unmapAll(space),
        orRefused('destroy', () => {
          endSpace(space);
          destroyMm(one, space.mm);
        }),
        world.serve(one, one),
        orRefused('create', () => nextSpace(one)),
      ],
      [walksIfThere],
    ];
  },
});

/** Another mm, in the record that is free again, with the same page mapped to another frame. */
function nextSpace(thread: Thread): MmId {
  const next = spaceOf(thread, MODEL_FORMAT, createMm(thread));
  makeSpace(next);
  mapPage(next, 0, 9);
  return next.mm;
}

const torn = treeScenario({
  name: 'walk-vs-remap+two-words',
  about: 'A page is unmapped, and mapped to another frame, while another reads its entry.',
  rules: ['T2', 'T3'],
  mustSee: ['walk: 16', 'walk: 9', 'walk: nothing'],
  threads: 2,
  mapped: [0, 1],
  play: ({ world, by }) => {
    const [one, two] = world.threads as [Thread, Thread];
    return [[unmaps(by(one), 0), maps(by(one), 0, 9)], [walks(by(two), 0, [16, 9, -1])]];
  },
});

/** Words of the scenario's own that are a flag and a TLB of one slot. */
const FLUSHED = 0;
const TLB_AT = 4;

const tlb = treeScenario({
  name: 'tlb-vs-unmap+flushed',
  about: 'A page is unmapped; who knows that this is over does not find it in its TLB.',
  rules: ['T4'],
  mustSee: ['cached: 16', 'after the flush: nothing', 'before it: 16'],
  threads: 2,
  mapped: [0, 1],
  play: ({ world, by }) => {
    const [one, two] = world.threads as [Thread, Thread];
    const { kit } = world;
    const cache: Tlb = { memory: two.mem, slotsAt: kit.own(TLB_AT), slots: 1 };
    const space = by(two);
    const asks = (): string => {
      const over = two.mem.load(kit.own(FLUSHED)) === 1;
      rcuReadLock(two);
      const found = walkCached(space, cache, 0 as Vpn);
      rcuReadUnlock(two);
      if (over && found !== NOT_MAPPED) throw new InvariantError('T4', 'a TLB gives what is gone');
      const what = found === NOT_MAPPED ? 'nothing' : `${frameOf(found)}`;
      return `${over ? 'after the flush' : 'before it'}: ${what}`;
    };
    const fills = (): string => {
      const found = walkCached(space, cache, 0 as Vpn);
      return `cached: ${found === NOT_MAPPED ? 'nothing' : frameOf(found)}`;
    };
    return [
      [unmaps(by(one), 0), (): void => one.mem.store(kit.own(FLUSHED), 1)],
      [fills, asks],
    ];
  },
});

const protect = treeScenario({
  name: 'protect-vs-collapse+one-table',
  about: 'What pages allow is changed while they become one large frame.',
  rules: ['T1', 'T2', 'H6'],
  mustSee: ['protected', 'large', 'collapsed'],
  threads: 2,
  mapped: [0, 1],
  play: ({ world, by }) => {
    const [one, two] = world.threads as [Thread, Thread];
    const space = by(two);
    return [
      [collapses(by(one), 0, 32)],
      [
        (): string =>
          protectStep(space, 0 as Vpn, 1, PROT).kind === 'large' ? 'large' : 'protected',
      ],
    ];
  },
  atEnd: ({ space }) => [must(space, 1, 33)],
});

export const TREE_SCENARIOS: readonly Scenario[] = [
  walkVsUnmap,
  walkVsCollapse,
  faultVsCollapse,
  faultVsFault,
  mapVsUnmap,
  forkVsUnmap,
  exitVsWalk,
  torn,
  tlb,
  protect,
];
