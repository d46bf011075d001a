/**
 * Translations that a thread keeps: what another unmaps, protects, forks or collapses is in no TLB
 * once an operation has returned that found it so, whoever changed it (T4).
 *
 * One thread changes page 0. Another, who need not be the one that flushes, finds under the table's
 * lock what became of the page, returns, and says so. A third has the page in its TLB, and asks
 * again.
 */
import { InvariantError } from '../../../core/base/errors.js';
import type { Vpn } from '../../../core/base/units.js';
import { createMm } from '../../../core/frag/mm.js';
import type { Thread } from '../../../core/mem/heap.js';
import { release } from '../../../core/mem/lock.js';
import { lowWord } from '../../../core/pgtable/entry.js';
import { forkStep, prepareStep } from '../../../core/pgtable/fork.js';
import { frameAddress, isLeaf } from '../../../core/pgtable/format.js';
import { X86_64 } from '../../../core/pgtable/formats/x86-64.js';
import { lockLowest, tableLock } from '../../../core/pgtable/lock.js';
import { protectStep, unmapStep } from '../../../core/pgtable/map.js';
import { entryFor, levelOf, makeSpace, type Space, spaceOf } from '../../../core/pgtable/space.js';
import { flush, type Tlb, walkCached } from '../../../core/pgtable/tlb.js';
import { frameOf, NOT_MAPPED, protOf } from '../../../core/pgtable/walk.js';
import { rcuReadLock, rcuReadUnlock } from '../../../core/rcu/reader.js';
import type { Operation } from '../../model/program.js';
import type { Scenario } from '../../model/scenario.js';
import { MODEL_FORMAT, smallForm } from './forms.js';
import { makeLarge, splits } from './split.js';
import {
  collapses,
  endOf,
  mapPage,
  PROT,
  READ_ONLY,
  type TreeBody,
  type TreeWorld,
  treeScenario,
  unmaps,
} from './tree.js';

/** Words of the scenario's own: what was said of page 0, and a TLB of one slot. */
const SAID = 0;
const TLB_AT = 4;

/** What somebody found page 0 to be, in one word: its frame and what it allows; never 0. */
type Page = number;
const UNMAPPED: Page = 1;
const pageOf = (frame: number, prot: number): Page => 2 + frame * 8 + prot;
const formatPage = (page: Page): string =>
  page === UNMAPPED
    ? 'nothing'
    : `${(page - 2) >> 3}${((page - 2) & 7) === PROT ? '' : ' read-only'}`;

/** A thread that has page 0 in its TLB, or not, and asks for it again. */
function asksTwice({ world, by }: TreeWorld, thread: Thread): Operation[] {
  const { mem } = thread;
  const said = world.kit.own(SAID);
  const cache: Tlb = { memory: mem, slotsAt: world.kit.own(TLB_AT), slots: 1 };
  const space = by(thread);
  const ask = (): Page => {
    rcuReadLock(thread);
    const found = walkCached(space, cache, 0 as Vpn);
    rcuReadUnlock(thread);
    return found === NOT_MAPPED ? UNMAPPED : pageOf(frameOf(found), protOf(found));
  };
  const again = (): string => {
    // Read before the page is asked for, so that what was said was over then.
    const wanted = mem.load(said);
    const found = ask();
    if (wanted !== 0 && found !== wanted) {
      const [old, now] = [formatPage(found), formatPage(wanted)];
      throw new InvariantError('T4', `a TLB gives ${old} for a page that is known to be ${now}`);
    }
    return `${wanted === 0 ? 'before' : 'after'}: ${formatPage(found)}`;
  };
  return [() => `cached: ${formatPage(ask())}`, again];
}

/** Says what a page is after `becomes`, if that makes it known. */
function says({ world }: TreeWorld, { mem }: Thread, becomes: () => Page | null): Operation {
  return () => {
    const page = becomes();
    if (page === null) return 'said nothing';
    mem.store(world.kit.own(SAID), page);
    return `said: ${formatPage(page)}`;
  };
}

/** What page 0 is, under the lock of its table: null if it is still what it was at first. */
function looksLocked(space: Space): Page | null {
  const { thread, format } = space;
  const locked = lockLowest(space, 0 as Vpn);
  if (locked === null) return UNMAPPED;
  const { number, table } = locked;
  const low = thread.mem.load(lowWord(entryFor(format, number, table, 0 as Vpn)));
  release(thread, tableLock(thread.heap, table));
  const level = levelOf(format, number);
  if (!isLeaf(level, low)) return UNMAPPED;
  const page = pageOf(frameAddress(level, low) >> 12, format.protOf(number, low));
  return page === pageOf(16, PROT) ? null : page;
}

interface TlbBody {
  readonly name: string;
  readonly about: string;
  readonly mustSee: readonly string[];
  readonly mms?: number;
  readonly pages?: number;
  readonly atEnd?: NonNullable<TreeBody['atEnd']>;
  /** What the first thread does. */
  readonly changes: (tree: TreeWorld, thread: Thread) => readonly Operation[];
  /** How the second finds out; default: by a look under the lock. */
  readonly finds?: (space: Space) => Page | null;
}

function tlbScenario({ changes, finds = looksLocked, mustSee, ...rest }: TlbBody): Scenario {
  return treeScenario({
    ...rest,
    rules: ['T4'],
    mustSee: ['cached: 16', 'before: 16', ...mustSee],
    threads: 3,
    mapped: [0, 1],
    play: (tree) => {
      const [one, two, three] = tree.world.threads as [Thread, Thread, Thread];
      const space = tree.by(two);
      return [changes(tree, one), [says(tree, two, () => finds(space))], asksTwice(tree, three)];
    },
  });
}

const unmapsPage = ({ by }: TreeWorld, thread: Thread): Operation[] => [unmaps(by(thread), 0)];

const own = treeScenario({
  name: 'tlb-vs-unmap+flushed',
  about: 'A page is unmapped; who knows that this is over does not find it in its TLB.',
  rules: ['T4'],
  mustSee: ['cached: 16', 'before: 16', 'after: nothing'],
  threads: 2,
  mapped: [0, 1],
  play: (tree) => {
    const [one, two] = tree.world.threads as [Thread, Thread];
    const ends = (): Page => {
      unmapStep(tree.by(one), 0 as Vpn, 1);
      return UNMAPPED;
    };
    return [[says(tree, one, ends)], asksTwice(tree, two)];
  },
});

const unmapped = tlbScenario({
  name: 'tlb-vs-unmap+twice',
  about: 'Two unmap a page; who knows that one of them is done does not find it in its TLB.',
  mustSee: ['said: nothing', 'after: nothing', 'before: nothing'],
  changes: unmapsPage,
  finds: (space) => {
    unmapStep(space, 0 as Vpn, 1);
    return UNMAPPED;
  },
});

const mapped = tlbScenario({
  name: 'tlb-vs-unmap+mapped-anew',
  about: 'A page is unmapped, and mapped by another; who knows of it does not find the old frame.',
  mustSee: ['said: 9', 'said nothing', 'after: 9'],
  changes: unmapsPage,
  finds: (space) => (mapPage(space, 0, 9) === 'done' ? pageOf(9, PROT) : null),
});

/** Tables have locks of their own, so two flushes of one space may come at once. */
const flushedTwice = tlbScenario({
  name: 'tlb-vs-unmap+other-flush',
  about: 'A page is unmapped while a flush for another table of its space is under way.',
  mustSee: ['said: nothing', 'after: nothing'],
  changes: ({ by }, thread) => [(): void => flush(by(thread))],
  finds: (space) => {
    flush(space);
    unmapStep(space, 0 as Vpn, 1);
    return UNMAPPED;
  },
});

const isProtected = tlbScenario({
  name: 'tlb-vs-protect+seen',
  about:
    'A page is made read-only; nobody who knows of it finds in its TLB that it may be written.',
  mustSee: ['said: 16 read-only', 'said nothing', 'after: 16 read-only'],
  changes: ({ by }, thread) => [
    (): void => {
      protectStep(by(thread), 0 as Vpn, 1, READ_ONLY);
    },
  ],
});

const forked = tlbScenario({
  name: 'tlb-vs-fork+seen',
  about:
    'A page is shared by a fork; nobody who knows of it finds in its TLB that it may be written.',
  mustSee: ['said: 16 read-only', 'said nothing', 'after: 16 read-only'],
  pages: 6,
  mms: 2,
  changes: ({ by }, thread) => {
    const child = spaceOf(thread, MODEL_FORMAT, createMm(thread));
    makeSpace(child);
    // Its tables are there: what is of interest is what the fork does to the parent.
    prepareStep(by(thread), child, 0 as Vpn, 1);
    return [
      (): Space => {
        forkStep(by(thread), child, 0 as Vpn, 1);
        return child;
      },
    ];
  },
  atEnd: (_, results) => endOf(results[0]?.[0] as Space),
});

const collapsed = tlbScenario({
  name: 'tlb-vs-collapse+seen',
  about: 'Pages become a large frame; nobody who knows of it finds a small frame in its TLB.',
  mustSee: ['said: 32', 'said nothing', 'after: 32'],
  changes: ({ by }, thread) => [collapses(by(thread), 0, 32)],
});

/** Without exec, so that an entry goes from a table to a large frame, and back, by way of none. */
const BY_NONE = smallForm(X86_64);

const collapsedByNone = treeScenario({
  ...BY_NONE,
  name: 'tlb-vs-collapse+x86',
  about:
    'Pages become a large frame by way of none; a TLB keeps neither a small frame nor nothing.',
  rules: ['T4'],
  mustSee: ['cached: 16', 'cached: nothing', 'before: 16', 'before: nothing', 'after: 32'],
  threads: 2,
  mapped: [0, 1],
  play: (tree) => {
    const [one, two] = tree.world.threads as [Thread, Thread];
    const collapse = collapses(tree.by(one), 0, 32);
    const ends = (): Page => {
      collapse([]);
      return pageOf(32, PROT);
    };
    return [[says(tree, one, ends)], asksTwice(tree, two)];
  },
});

/** A split flushes nothing: what a TLB has of the frame stays true. So it must not have nothing. */
const splitByNone = treeScenario({
  ...BY_NONE,
  name: 'tlb-vs-split+x86',
  about: 'A large frame is split by way of none; a TLB does not keep that nothing was found.',
  rules: ['T4'],
  mustSee: ['cached: 32', 'cached: nothing', 'before: 32', 'before: nothing', 'after: 32'],
  threads: 2,
  pages: 4,
  mapped: [0, 1],
  play: (tree) => {
    const [one, two] = tree.world.threads as [Thread, Thread];
    makeLarge(tree.space);
    const split = splits(tree.by(one));
    const ends = (): Page => {
      split([]);
      return pageOf(32, PROT);
    };
    return [[says(tree, one, ends)], asksTwice(tree, two)];
  },
});

const oneSlot = treeScenario({
  name: 'tlb-vs-flush+one-slot',
  about: 'Two pages take turns in the one slot of a TLB: neither is given the frame of the other.',
  rules: ['T4'],
  mustSee: ['asked: 16 17 16'],
  threads: 2,
  mapped: [0, 1],
  play: ({ world, by }) => {
    const [one, two] = world.threads as [Thread, Thread];
    const cache: Tlb = { memory: two.mem, slotsAt: world.kit.own(TLB_AT), slots: 1 };
    const asks = (): string => {
      rcuReadLock(two);
      const found = [0, 1, 0].map((vpn) => frameOf(walkCached(by(two), cache, vpn as Vpn)));
      rcuReadUnlock(two);
      if (found[0] === 16 && found[1] === 17 && found[2] === 16) return 'asked: 16 17 16';
      throw new InvariantError('T4', `a TLB gives frames ${found.join(', ')} for pages 0, 1, 0`);
    };
    return [[(): void => flush(by(one))], [asks]];
  },
});

export const TLB_SCENARIOS: readonly Scenario[] = [
  own,
  unmapped,
  mapped,
  flushedTwice,
  isProtected,
  forked,
  collapsed,
  collapsedByNone,
  splitByNone,
  oneSlot,
];
