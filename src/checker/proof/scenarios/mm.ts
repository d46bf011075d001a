/**
 * Address spaces: their records against callbacks that come late, and who may end them.
 */
import type { MmId, Word } from '../../../core/base/units.js';
import { createMm } from '../../../core/frag/mm.js';
import { enterMm, leaveMm } from '../../../core/frag/users.js';
import type { Thread } from '../../../core/mem/heap.js';
import { type CoreScenario, coreScenario, distinct, orRefused } from './actors.js';

type Two = readonly [Thread, Thread];

const sharingAll = coreScenario({
  name: 'alloc-vs-free+sharing-all',
  about: 'Two mms share pages; one ends while the other allocates from the page of both.',
  rules: ['P1', 'P4', 'P6'],
  mustSee: ['destroy: done', 'shared page', 'callbacks 2'],
  kit: { threads: 2, pages: 2, mms: 2, sharing: 'all' },
  play: (world) => {
    const { kit, see } = world;
    const [one, two] = world.threads as Two;
    const other = createMm(two);
    const table = world.takeOne(one);
    return {
      threads: [
        [
          world.drop(one, table),
          orRefused('destroy', () => world.destroy(one)),
          world.serve(one, one),
        ],
        [world.take(two, other)],
      ],
      atEnd: (results) => {
        const taken = results[1]?.[0] as Word;
        if (taken === table + kit.fragmentWords) see('shared page');
        return [];
      },
    };
  },
});

const enterVsDestroy = coreScenario({
  name: 'enter-vs-destroy+users',
  about: 'An mm is entered or destroyed, not both.',
  rules: ['P5', 'H1'],
  mustSee: ['enter: done', 'enter: mm-not-live', 'destroy: done', 'destroy: mm-in-use'],
  kit: { threads: 2, pages: 1 },
  play: (world) => {
    const { threads, mm } = world;
    const [one, two] = threads as Two;
    return {
      threads: [
        [orRefused('enter', () => enterMm(one, mm))],
        [
          orRefused('destroy', () => world.destroy(two)),
          world.serve(two, two),
          world.serve(two, two),
        ],
      ],
      atEnd: (results) => {
        const both = results[0]?.[0] === 'enter: done' && results[1]?.[0] === 'destroy: done';
        return [both ? { rule: 'P5', detail: 'an mm was destroyed under its user' } : null];
      },
    };
  },
});

const destroyVsUser = coreScenario({
  name: 'destroy-vs-alloc+users',
  about: 'An mm is not destroyed under a thread that works on it, with tables or without.',
  rules: ['P5', 'H1', 'P6'],
  mustSee: ['destroy: done', 'destroy: mm-in-use', 'destroy: mm-has-tables'],
  kit: { threads: 2, pages: 1 },
  play: (world) => {
    const { threads, mm } = world;
    const [one, two] = threads as Two;
    enterMm(one, mm);
    return {
      threads: [
        [world.take(one), world.dropTaken(one, 0), (): void => leaveMm(one, mm)],
        [orRefused('destroy', () => world.destroy(two))],
      ],
    };
  },
});

const destroyVsTables = coreScenario({
  name: 'destroy-vs-alloc+tables',
  about: 'An mm with a table is not destroyed, and its table can be freed.',
  rules: ['P5', 'P6'],
  mustSee: ['destroy: mm-has-tables', 'destroy: done'],
  kit: { threads: 2, pages: 1 },
  play: (world) => {
    const [one, two] = world.threads as Two;
    const table = world.takeOne(one);
    return {
      threads: [[world.drop(one, table)], [orRefused('destroy', () => world.destroy(two))]],
    };
  },
});

const createVsDestroy = coreScenario({
  name: 'create-vs-destroy+table',
  about: 'Two threads make and end mms at once: each has a record of its own.',
  rules: ['P5', 'P1'],
  mustSee: ['two mms', 'destroy: done'],
  kit: { threads: 2, pages: 1, mms: 3 },
  play: (world) => {
    const { threads, see } = world;
    const [one, two] = threads as Two;
    return {
      threads: [
        [
          orRefused('destroy', () => world.destroy(one)),
          world.serve(one, one),
          (): MmId => createMm(one),
        ],
        [(): MmId => createMm(two)],
      ],
      atEnd: (results) => {
        if (results[1]?.[0] !== results[0]?.[2]) see('two mms');
        return [distinct([results[0]?.[2], results[1]?.[0]])];
      },
    };
  },
});

export const MM_SCENARIOS: readonly CoreScenario[] = [
  sharingAll,
  enterVsDestroy,
  destroyVsUser,
  destroyVsTables,
  createVsDestroy,
];
