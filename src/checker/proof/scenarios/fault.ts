/** Faults, and what takes tables out or looks at them while they map. */
import type { Vpn } from '../../../core/base/units.js';
import type { Thread } from '../../../core/mem/heap.js';
import { installTables, reclaimTables } from '../../../core/pgtable/install.js';
import { mapStep, protectStep, type Step, scanStep, unmapStep } from '../../../core/pgtable/map.js';
import type { Scenario } from '../../model/scenario.js';
import {
  collapses,
  mapPage,
  maps,
  must,
  mustNot,
  PAGE_BYTES,
  PROT,
  READ_ONLY,
  treeScenario,
  unmaps,
} from './tree.js';

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
  atEnd: ({ world, space }) => {
    // The table that went serves pages 4 and 5 next, and is empty then.
    for (const thread of world.threads) world.serveAll(thread);
    mapPage(space, 4, 9);
    return [must(space, 0, 32), must(space, 1, 33), mustNot(space, 5)];
  },
});

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

/** Three tables are there, and the fourth of their page is the one with the list node. */
const faultVsFaultLast = treeScenario({
  name: 'fault-vs-fault+list-node',
  about: 'Two faults bring one table, and the one for it has held the list node of its page.',
  rules: ['T1', 'T2', 'H4'],
  mustSee: ['map: done'],
  threads: 2,
  pages: 4,
  mapped: [0, 2, 4],
  play: ({ world, by }) => {
    const [one, two] = world.threads as [Thread, Thread];
    return [[maps(by(one), 6, 22)], [maps(by(two), 7, 23)]];
  },
  atEnd: ({ space }) => [must(space, 6, 22), must(space, 7, 23)],
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

/** As mapVsUnmap, but only the step in which both meet. */
const mapVsReclaim = treeScenario({
  name: 'fault-vs-reclaim+empty-table',
  about:
    'An empty table is taken out while a page is mapped in it: one of the two does not happen.',
  rules: ['T1', 'T2', 'H6'],
  mustSee: ['mapped 0', 'mapped 1'],
  threads: 2,
  mapped: [2],
  play: ({ world, by, space }) => {
    const [one, two] = world.threads as [Thread, Thread];
    installTables(space, 0 as Vpn, 0);
    const fault = (): string => {
      const step = mapStep(by(two), 1 as Vpn, 1, 17 * PAGE_BYTES, PROT);
      return step.kind === 'done' ? `mapped ${step.changed}` : step.kind;
    };
    return [[(): void => reclaimTables(by(one), 0 as Vpn, 0)], [fault]];
  },
  atEnd: ({ space }, results) => [
    results[1]?.[0] === 'mapped 1' ? must(space, 1, 17) : mustNot(space, 1),
    must(space, 2, 18),
  ],
});

/** Both tables are in one page, and have one lock. */
const twoTables = treeScenario({
  name: 'fault-vs-fault+sibling-freed',
  about: 'Two faults want one page, when the sibling of its table has just been taken out.',
  rules: ['T1', 'T2', 'H6', 'H7'],
  mustSee: ['map: done', 'map: mapped'],
  threads: 2,
  pages: 4,
  mapped: [2, 4],
  play: ({ world, by, space }) => {
    const [one, two] = world.threads as [Thread, Thread];
    installTables(space, 0 as Vpn, 0);
    return [[unmaps(by(one), 0), maps(by(one), 5, 21)], [maps(by(two), 5, 19)]];
  },
  atEnd: (_, results) => {
    const done = results.flat().filter((result) => result === 'map: done').length;
    return [done === 1 ? null : { rule: 'T2', detail: `one page was mapped ${done} times` }];
  },
});

const protect = treeScenario({
  name: 'protect-vs-collapse+one-table',
  about: 'What pages allow is changed while they become one large frame.',
  rules: ['T1', 'T2', 'H6'],
  mustSee: ['protected', 'large', 'collapsed'],
  threads: 2,
  pages: 4,
  // The fourth table of their page lies behind the first, whose end collapse must not pass.
  mapped: [0, 1, 2, 4, 6],
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
  atEnd: ({ space }) => [must(space, 1, 33), must(space, 6, 22)],
});

const linkVsReclaim = treeScenario({
  name: 'fault-vs-unmap+table-above',
  about: 'The empty table in which a new one is to be linked is taken out.',
  rules: ['T1', 'P6', 'H6'],
  mustSee: ['ready'],
  threads: 2,
  pages: 6,
  mapped: [],
  play: ({ world, by, space }) => {
    const [one, two] = world.threads as [Thread, Thread];
    installTables(space, 0 as Vpn, 1);
    return [
      [(): void => reclaimTables(by(one), 0 as Vpn, 1)],
      [(): string => installTables(by(two), 0 as Vpn, 0)],
    ];
  },
  atEnd: ({ space }) => {
    mapPage(space, 0, 16);
    return [must(space, 0, 16)];
  },
});

/** Two pages are taken by the tables that are there. */
const lookVsReclaim = treeScenario({
  name: 'fault-vs-unmap+no-page-left',
  about: 'The table in which a new one is to be linked is taken out, and there is no new one.',
  rules: ['T1', 'P6', 'H6'],
  mustSee: ['ready', 'no-page'],
  threads: 2,
  pages: 2,
  mapped: [],
  play: ({ world, by, space }) => {
    const [one, two] = world.threads as [Thread, Thread];
    installTables(space, 0 as Vpn, 1);
    return [
      [(): void => reclaimTables(by(one), 0 as Vpn, 1)],
      [(): string => installTables(by(two), 0 as Vpn, 0)],
    ];
  },
});

/** Looks for the lowest table, and finds that there is a lower one by now. */
const protectVsFault = treeScenario({
  name: 'protect-vs-fault+new-table',
  about: 'The table of a page is linked while another looks for it, which finds no page there.',
  rules: ['T1', 'T2'],
  mustSee: ['ready', 'protected 0'],
  threads: 2,
  mapped: [2],
  play: ({ world, by }) => {
    const [one, two] = world.threads as [Thread, Thread];
    const protect = (): string => {
      const step = protectStep(by(one), 0 as Vpn, 1, READ_ONLY);
      return step.kind === 'done' ? `protected ${step.changed}` : step.kind;
    };
    return [[protect], [(): string => installTables(by(two), 0 as Vpn, 0)]];
  },
  atEnd: ({ space }) => {
    mapPage(space, 0, 16);
    return [must(space, 0, 16), must(space, 2, 18)];
  },
});

const scanVsFault = treeScenario({
  name: 'scan-vs-fault+same-table',
  about: 'One asks whether pages are mapped while another maps one of them.',
  rules: ['T2'],
  mustSee: ['map: done', 'scan: nothing', 'scan: page 1'],
  threads: 2,
  mapped: [0, 2],
  play: ({ world, by, space }) => {
    const [one, two] = world.threads as [Thread, Thread];
    unmapStep(space, 0 as Vpn, 1);
    installTables(space, 0 as Vpn, 0);
    const scan = (): string => {
      const step = scanStep(by(one), 0 as Vpn, 2);
      return step.kind === 'mapped' ? `scan: page ${step.vpn}` : 'scan: nothing';
    };
    return [[scan], [maps(by(two), 1, 17)]];
  },
  atEnd: ({ space }) => [must(space, 1, 17), mustNot(space, 0)],
});

/** All that a step looks at is its own table: the one behind it is just being made empty. */
const looksVsNext = treeScenario({
  name: 'scan-vs-fault+table-behind',
  about: 'The pages of a table are looked at and mapped while another is given the table behind.',
  rules: ['T1', 'P2', 'H4'],
  mustSee: ['scan: 2', 'mapped 2', 'map: done'],
  threads: 2,
  pages: 4,
  mapped: [],
  play: ({ world, by, space }) => {
    const [one, two] = world.threads as [Thread, Thread];
    for (const page of [0, 2, 4]) installTables(space, page as Vpn, 0);
    const done = (step: Step): number | string => (step.kind === 'done' ? step.pages : step.kind);
    const scan = (): string => `scan: ${done(scanStep(by(one), 0 as Vpn, 2))}`;
    const fault = (): string =>
      `mapped ${done(mapStep(by(one), 0 as Vpn, 2, 16 * PAGE_BYTES, PROT))}`;
    return [[scan, fault], [maps(by(two), 6, 22)]];
  },
  atEnd: ({ space }) => [must(space, 0, 16), must(space, 1, 17), must(space, 6, 22)],
});

export const FAULT_SCENARIOS: readonly Scenario[] = [
  faultVsCollapse,
  faultVsFault,
  faultVsFaultLast,
  mapVsUnmap,
  mapVsReclaim,
  twoTables,
  protect,
  linkVsReclaim,
  lookVsReclaim,
  protectVsFault,
  scanVsFault,
  looksVsNext,
];
