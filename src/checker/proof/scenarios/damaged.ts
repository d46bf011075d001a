/**
 * Another program wrote into words of the library's: what threads do in the heap ends all the same,
 * and whoever waits is told where a word can't be followed (P12).
 */
import { InvariantError } from '../../../core/base/errors.js';
import type { Word } from '../../../core/base/units.js';
import { at } from '../../../core/base/units.js';
import { pfnOfAddress, ptdescOf, type Thread } from '../../../core/mem/heap.js';
import { PTDESC, RCU_HEAD } from '../../../core/mem/layout.js';
import { serveQueue } from '../../../core/rcu/callback.js';
import { COMMON } from '../../../core/variants/core.js';
import type { Operation } from '../../model/program.js';
import type { Scenario, Stage } from '../../model/scenario.js';
import { type KitOptions, kitNames, kitWords, makeKit } from '../kit.js';
import { World } from './actors.js';

const KIT: KitOptions = { threads: 2, pages: 1, perPage: 4 };

type Facts = Pick<Scenario, 'name' | 'about' | 'mustSee'>;

/**
 * A page with tables in use and a freed one that is queued, and a word damaged: thread 0 runs the
 * callback, thread 1 allocates. Nothing is looked at in the end: the heap is broken.
 */
function damaged(facts: Facts, damage: (world: World, ptdesc: Word) => void): Scenario {
  return {
    ...facts,
    rules: ['P12'],
    threads: KIT.threads,
    words: kitWords(KIT),
    setup: (stage) => {
      const kit = makeKit(stage, KIT);
      const world = new World(kit, COMMON, stage);
      const [one, two] = kit.threads as [Thread, Thread];
      const [, table] = world.takePage(2) as [Word, Word];
      world.free(one, table);
      damage(world, ptdescOf(kit.heap, pfnOfAddress(kit.heap, table)));
      const serve = (): unknown =>
        serveQueue(one, COMMON.callbacks, one.id, Number.POSITIVE_INFINITY);
      return {
        ...kitNames(kit),
        threads: [[orTold(stage, 'serve', serve)], [orTold(stage, 'take', world.take(two))]],
      };
    },
  };
}

function orTold({ see }: Stage, what: string, operation: Operation): Operation {
  return (results) => {
    try {
      operation(results);
      see(`${what}: done`);
    } catch (error) {
      if (!(error instanceof InvariantError) || error.rule !== 'P12') throw error;
      see(`${what}: told`);
    }
  };
}

const circle = damaged(
  {
    name: 'damaged-queue-vs-alloc+circle',
    about: 'A queue is a circle: whoever takes all of it ends, and another thread allocates.',
    mustSee: ['serve: done', 'take: done'],
  },
  ({ kit }, ptdesc) => {
    const head = at(ptdesc, PTDESC.RCU);
    kit.heap.mem.poke(at(head, RCU_HEAD.NEXT), head);
  },
);

const ownerless = damaged(
  {
    name: 'damaged-page-vs-alloc+no-owner',
    about: 'A queued page says that nobody has it: no word of the header is taken for its lock.',
    mustSee: ['serve: told', 'take: done'],
  },
  ({ kit }, ptdesc) => kit.heap.mem.poke(at(ptdesc, PTDESC.OWNER), 0),
);

export const DAMAGED_SCENARIOS: readonly Scenario[] = [circle, ownerless];
