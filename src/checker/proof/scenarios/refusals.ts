/**
 * Who asks for what can't be had, or only looks, while others work: a wrong free changes nothing,
 * and lets go of what it locked; a look for a lock that is in the way takes none.
 */
import type { Vpn, Word } from '../../../core/base/units.js';
import { at } from '../../../core/base/units.js';
import { createMm } from '../../../core/frag/mm.js';
import { enterMm, leaveMm, usersOf } from '../../../core/frag/users.js';
import type { Thread } from '../../../core/mem/heap.js';
import { lockInTheWay } from '../../../core/pgtable/lock.js';
import type { Scenario } from '../../model/scenario.js';
import { heapScenario, orRefused } from './actors.js';
import { maps, must, treeScenario } from './tree.js';

const wrongFrees = heapScenario({
  name: 'free-vs-free+not-its-own',
  about: 'One frees a table, and another what is no table, or none of its mm: only the first does.',
  rules: ['P6', 'P7', 'L1'],
  mustSee: ['other mm: foreign-fragment', 'within: foreign-fragment', 'outside: foreign-fragment'],
  kit: { threads: 2, pages: 2, mms: 2, perPage: 4 },
  play: (world) => {
    const [one, two] = world.threads as [Thread, Thread];
    const { core, mm, kit } = world;
    const [first, second] = world.takePage(2) as [Word, Word];
    const other = createMm(one);
    const frees = (table: Word, of = mm) => {
      return () => core.freeTable(two, of, table);
    };
    return {
      threads: [
        [world.drop(one, first)],
        [
          orRefused('other mm', frees(second, other)),
          orRefused('within', frees(at(second, 1))),
          orRefused('outside', frees(at(kit.heap.pagesAt, -4))),
        ],
      ],
      atEnd: () => {
        // Each is refused or done, and holds nothing: what was not freed can be freed now.
        world.free(two, second);
        return [];
      },
    };
  },
});

const wrongLeave = heapScenario({
  name: 'enter-vs-leave+no-user',
  about: 'One enters an mm while another leaves it that has not entered: the first is a user.',
  rules: ['P5', 'L1'],
  mustSee: ['leave: not-a-user', 'users 1'],
  kit: { threads: 2, pages: 1 },
  play: ({ threads, mm, see }) => {
    const [one, two] = threads as [Thread, Thread];
    return {
      threads: [[(): void => enterMm(one, mm)], [orRefused('leave', () => leaveMm(two, mm))]],
      atEnd: () => {
        see(`users ${usersOf(one, mm)}`);
        return [];
      },
    };
  },
});

const looks = treeScenario({
  name: 'look-vs-fault+lock-in-the-way',
  about: 'One looks for a lock that it would wait for while another maps: it takes none.',
  rules: ['L1', 'T1'],
  mustSee: ['a lock is in the way', 'none is in the way', 'map: done'],
  threads: 2,
  mapped: [0],
  play: ({ world, by }) => {
    const [one, two] = world.threads as [Thread, Thread];
    const look = (): string => {
      const found = lockInTheWay(by(two), 1 as Vpn, true);
      return found === 0 ? 'none is in the way' : 'a lock is in the way';
    };
    return [[maps(by(one), 1, 17)], [look]];
  },
  atEnd: ({ space }) => [must(space, 1, 17)],
});

export const REFUSAL_SCENARIOS: readonly Scenario[] = [wrongFrees, wrongLeave, looks];
