/**
 * Threads that die as users of an mm, as reclaimers, or while they make a space: nothing is left of
 * them that others would have to mind for ever.
 */
import type { MmId } from '../../../core/base/units.js';
import { at } from '../../../core/base/units.js';
import { destroyMm, handOut, takeBack, tryCreateMm } from '../../../core/frag/mm.js';
import { enterMm, leaveMm } from '../../../core/frag/users.js';
import { mmRecord, type Thread } from '../../../core/mem/heap.js';
import { MM } from '../../../core/mem/layout.js';
import { someThread } from '../../../core/mem/thread-set.js';
import { endSpace, makeSpace, rootOf, spaceOf } from '../../../core/pgtable/space.js';
import { tableRecovery } from '../../../core/pgtable/unmake.js';
import { POLL_EVERY, pollInterval, reclaim, stopReclaimers } from '../../../core/rcu/reclaim.js';
import type { Operation } from '../../model/program.js';
import type { Finding, Scenario } from '../../model/scenario.js';
import type { KitOptions } from '../kit.js';
import { type Body, heapScenario, orRefused, type World } from './actors.js';
import { unknownMm } from './death-mm.js';
import { recover, VICTIM } from './dying.js';
import { MODEL_FORMAT, TREE_KINDS } from './forms.js';
import { counting } from './heads.js';
import { endOf, mapPage } from './tree.js';

const TABLES = tableRecovery(() => MODEL_FORMAT);

type Two = readonly [survivor: Thread, victim: Thread];

interface Leaving extends Pick<Body, 'name' | 'about' | 'mustSee' | 'rules' | 'callbacks'> {
  readonly kit?: Partial<KitOptions>;
  readonly play: (
    world: World,
    ...threads: Two
  ) => readonly [survivor: readonly Operation[], victim: readonly Operation[]];
  /** What is wrong once the victim is recovered; `known`: what operations returned. */
  readonly left: (world: World, known: readonly unknown[]) => readonly (Finding | null)[];
}

function leaving({ kit = {}, play, left, ...facts }: Leaving): Scenario {
  return heapScenario({
    ...facts,
    killed: [VICTIM],
    kit: { threads: 2, pages: 1, others: 1, lockWaits: { lookMs: 1 }, ...kit },
    play: (world) => ({
      threads: [...play(world, ...(world.threads as Two)), [recover(world, 0, false, TABLES)]],
      atEnd: (all) => left(world, all.flat()),
    }),
  });
}

const user = leaving({
  name: 'die-vs-destroy+user',
  about: 'A thread dies as the user of an mm that another wants to end.',
  rules: ['P5', 'P6'],
  mustSee: ['destroy: done', 'destroy: mm-in-use'],
  play: (world, survivor, victim) => [
    [orRefused('destroy', () => world.destroy(survivor))],
    [
      orRefused('enter', () => enterMm(victim, world.mm)),
      orRefused('leave', () => leaveMm(victim, world.mm)),
    ],
  ],
  left: ({ kit: { heap }, mm }) => {
    const word = at(mmRecord(heap, mm), MM.USERS);
    const thread = someThread(heap, word);
    return [thread === null ? null : { rule: 'P6', detail: `thread ${thread} uses it`, word }];
  },
});

const reclaimer = leaving({
  name: 'die+reclaim',
  about: 'A reclaimer dies: nobody counts on it.',
  rules: ['R6'],
  mustSee: ['NONE free'],
  callbacks: ({ kit }) => counting(kit),
  play: ({ kit }, survivor, victim) => {
    stopReclaimers(survivor.heap);
    return [[], [(): number => reclaim(victim, counting(kit))]];
  },
  left: ({ kit: { heap } }) => {
    const isCounted = pollInterval(heap) !== POLL_EVERY;
    return [isCounted ? { rule: 'R6', detail: 'threads count on a reclaimer that is dead' } : null];
  },
});

/** A space with a page mapped, in one operation. */
function makes(victim: Thread): Operation {
  return () => {
    const mm = tryCreateMm(victim, true) as MmId;
    const space = spaceOf(victim, MODEL_FORMAT, mm);
    makeSpace(space);
    mapPage(space, 0, 16);
    handOut(victim, mm);
    return mm;
  };
}

const SPACE_KIT: Partial<KitOptions> = { pages: 4, mms: 2, kinds: TREE_KINDS };

const maker = leaving({
  name: 'die+make-space',
  about:
    'A thread dies while it makes a space with a page: nobody else knows of it, and it is ended.',
  rules: ['P6', 'T1'],
  mustSee: ['MAKE free', 'ALLOC free', 'HOLD free', 'LINK free', 'NONE free'],
  kit: SPACE_KIT,
  play: (_, _survivor, victim) => [[], [makes(victim)]],
  left: (world, known) => [unknownMm(world, known), ...known.map((mm) => withoutTree(world, mm))],
});

/** A space that was handed out is there. */
function withoutTree({ threads }: World, mm: unknown): Finding | null {
  if (typeof mm !== 'number') return null;
  const space = spaceOf(threads[0] as Thread, MODEL_FORMAT, mm as MmId);
  return rootOf(space) === 0
    ? { rule: 'T1', detail: `mm ${mm} has no page tables any more` }
    : null;
}

const nextMaker = leaving({
  name: 'die-vs-create+maker',
  about: 'A thread dies that had made and ended a space, and another makes an mm with its record.',
  rules: ['P6', 'P11'],
  mustSee: ['NONE free'],
  kit: SPACE_KIT,
  play: (world, survivor, victim) => {
    destroyMm(victim, tryCreateMm(victim, true) as MmId);
    world.serve(survivor, victim)([]);
    world.serve(survivor, victim)([]);
    return [[(): number | null => tryCreateMm(survivor)], []];
  },
  left: ({ kit: { heap } }, known) => {
    const mm = known.find((each) => typeof each === 'number') as MmId;
    const word = at(mmRecord(heap, mm), MM.LIFE);
    if (heap.mem.load(word) === mm) return [];
    return [{ rule: 'P11', detail: `mm ${mm} was ended, and not by who made it`, word }];
  },
});

const ender = leaving({
  name: 'die+end-space',
  about: 'A thread dies while it ends a space: the space is there, or the mm has ended with it.',
  rules: ['P6', 'T1'],
  mustSee: ['LINK free', 'END locked', 'NONE free', 'there', 'ended'],
  kit: SPACE_KIT,
  play: ({ mm }, survivor, victim) => {
    makeSpace(spaceOf(survivor, MODEL_FORMAT, mm));
    const ends = (): void => {
      takeBack(victim, mm);
      endSpace(spaceOf(victim, MODEL_FORMAT, mm));
      destroyMm(victim, mm);
    };
    return [[], [ends]];
  },
  left: ({ kit: { heap }, threads, mm, see }) => {
    const word = at(mmRecord(heap, mm), MM.LIFE);
    const isThere = heap.mem.load(word) === mm;
    see(isThere ? 'there' : 'ended');
    const space = spaceOf(threads[0] as Thread, MODEL_FORMAT, mm);
    if (!isThere) return [];
    if (rootOf(space) === 0) return [{ rule: 'P6', detail: `mm ${mm} can't be ended`, word }];
    return endOf(space);
  },
});

export const SPACE_DEATH_SCENARIOS: readonly Scenario[] = [
  user,
  reclaimer,
  maker,
  nextMaker,
  ender,
];
