/** Threads that die while they make an mm or end one: no record is lost, and none used twice. */
import type { MmId } from '../../../core/base/units.js';
import { at } from '../../../core/base/units.js';
import { tryCreateMm } from '../../../core/frag/mm.js';
import { mmRecordAt, mmsHigh, type Thread } from '../../../core/mem/heap.js';
import { MM } from '../../../core/mem/layout.js';
import type { Operation } from '../../model/program.js';
import type { Finding, Scenario } from '../../model/scenario.js';
import { type Body, heapScenario, type World } from './actors.js';
import { recover } from './dying.js';

interface MmDeath extends Pick<Body, 'name' | 'about' | 'mustSee'> {
  readonly play: (
    world: World,
    survivor: Thread,
    victim: Thread,
  ) => readonly [survivor: readonly Operation[], victim: readonly Operation[]];
}

function mmDeath({ play, ...facts }: MmDeath): Scenario {
  return heapScenario({
    ...facts,
    rules: ['P5', 'P6', 'P11'],
    killed: [1],
    kit: { threads: 2, pages: 1, mms: 2, others: 1, lockWaits: { lookMs: 1 } },
    play: (world) => {
      const [survivor, victim] = world.threads as readonly [Thread, Thread];
      let results: readonly unknown[] = [];
      return {
        threads: [...play(world, survivor, victim), [recover(world)]],
        atEnd: (all) => {
          results = all.flat();
          return [];
        },
        drained: () => [unknownMm(world, results)],
      };
    },
  });
}

/** Each mm that lives was there in the beginning, or its number was returned to somebody. */
export function unknownMm({ kit: { heap }, mm }: World, known: readonly unknown[]): Finding | null {
  const { mem } = heap;
  for (let index = 1; index < mmsHigh(heap); index++) {
    const word = at(mmRecordAt(heap, index), MM.LIFE);
    const life = mem.load(word) as MmId;
    if (life <= 0 || life === mm || known.includes(life)) continue;
    return { rule: 'P6', detail: `mm ${life} lives, and nobody knows its number`, word };
  }
  return null;
}

const making = mmDeath({
  name: 'die-vs-create+mm',
  about: 'A thread dies while it makes an mm, and another makes one.',
  mustSee: ['MAKE free', 'NONE free'],
  play: (_, survivor, victim) => [[() => tryCreateMm(survivor)], [() => tryCreateMm(victim)]],
});

const makingAgain = mmDeath({
  name: 'die+create-used-record',
  about: 'A thread dies while it makes an mm with a record that was used before.',
  mustSee: ['MAKE free', 'NONE free'],
  play: (world, survivor, victim) => {
    world.core.destroyMm(survivor, tryCreateMm(survivor) as MmId);
    world.serveAll(survivor);
    return [[], [() => tryCreateMm(victim)]];
  },
});

const ending = mmDeath({
  name: 'die-vs-serve+end-mm',
  about: 'A thread dies while it ends an mm, and another runs the callback that frees its record.',
  mustSee: ['END locked', 'NONE free'],
  play: (world, survivor, victim) => [
    [world.serve(survivor, victim)],
    [() => world.destroy(victim)],
  ],
});

const freeing = mmDeath({
  name: 'die-vs-create+free-record',
  about: 'A thread dies in the callback that frees the record of an mm, and another wants one.',
  mustSee: ['NONE free in a callback', 'NONE free'],
  play: (world, survivor, victim) => {
    world.core.destroyMm(victim, tryCreateMm(victim) as MmId);
    world.serve(survivor, survivor)([]);
    world.serve(survivor, survivor)([]);
    return [[() => tryCreateMm(survivor)], [world.serve(victim, victim)]];
  },
});

export const MM_DEATH_SCENARIOS: readonly Scenario[] = [making, makingAgain, ending, freeing];
