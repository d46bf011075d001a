/**
 * Entries of shipped formats, while they change from one thing to another.
 *
 * Where the high words of the two agree, one store of the low word changes the entry, and a walk
 * finds the one or the other. Where they differ the entry is none in between: a walk may find
 * nothing, and whoever takes that for a fault finds that the page is mapped (entry.ts).
 */
import { InvariantError } from '../../../core/base/errors.js';
import type { Vpn } from '../../../core/base/units.js';
import type { Thread } from '../../../core/mem/heap.js';
import { isLarge } from '../../../core/pgtable/collapse.js';
import { LARGE, PROT as MAY, type Prot, PTE } from '../../../core/pgtable/format.js';
import { RADIX_4K } from '../../../core/pgtable/formats/radix.js';
import { S390 } from '../../../core/pgtable/formats/s390.js';
import { SV39 } from '../../../core/pgtable/formats/sv39.js';
import { X86_64 } from '../../../core/pgtable/formats/x86-64.js';
import { protectStep } from '../../../core/pgtable/map.js';
import type { Space } from '../../../core/pgtable/space.js';
import { NOT_MAPPED, protOf, walk } from '../../../core/pgtable/walk.js';
import { rcuReadLock, rcuReadUnlock } from '../../../core/rcu/reader.js';
import type { Operation } from '../../model/program.js';
import type { Scenario } from '../../model/scenario.js';
import { type Form, smallForm } from './forms.js';
import { makeLarge, splits } from './split.js';
import { collapses, mapPage, maps, must, PROT, treeScenario, unmaps, walks } from './tree.js';
import { readsEntry } from './walk.js';

/** What a page allows that may be executed, too. */
const EXEC = PROT | MAY.exec;

/** A format that ships, in a small tree. */
interface Subject {
  readonly form: Form;
  /** In the names of scenarios. */
  readonly where: string;
  readonly called: string;
}

const s390: Subject = { form: smallForm(S390), where: 's390', called: 's390' };
const sv39: Subject = { form: smallForm(SV39), where: 'sv39', called: 'RISC-V' };
const x86: Subject = { form: smallForm(X86_64), where: 'x86', called: 'x86-64' };
const radix: Subject = { form: smallForm(RADIX_4K), where: 'radix', called: 'powerpc radix' };

/**
 * The same, and what its pages allow: on x86-64 the high words of a table and of a large page agree
 * where that may be executed.
 */
interface Case extends Subject {
  readonly prot: Prot;
  /** Whether a table and a large page have different high words. */
  readonly differ: boolean;
}

const CASES: readonly Case[] = [
  { ...s390, prot: PROT, differ: false },
  { ...sv39, prot: PROT, differ: false },
  { ...x86, where: 'x86-exec', called: 'x86-64 with exec', prot: EXEC, differ: false },
  { ...x86, where: 'x86-no-exec', called: 'x86-64 without exec', prot: PROT, differ: true },
  { ...radix, prot: PROT, differ: true },
];

const DIFFERENT = CASES.filter(({ differ }) => differ);

/** What a walk may find besides, and what must be seen of that. */
function orNothing(differ: boolean): { may: readonly number[]; seen: readonly string[] } {
  return differ ? { may: [-1], seen: ['walk: nothing'] } : { may: [], seen: [] };
}

function walkVsCollapse({ form, where, called, prot, differ }: Case): Scenario {
  const { may, seen } = orNothing(differ);
  return treeScenario({
    ...form,
    name: `walk-vs-collapse+${where}`,
    about: `Pages of ${called} become a large frame: is it found, or a small one, ${how(differ)}?`,
    rules: ['T1', 'T2', 'T3'],
    mustSee: ['collapsed', 'walk: 17', 'walk: 33', ...seen],
    threads: 2,
    mapped: [0, 1],
    prot,
    play: ({ world, by }) => {
      const [one, two] = world.threads as [Thread, Thread];
      return [[collapses(by(one), 0, 32, prot)], [walks(by(two), 1, [17, 33, ...may], prot)]];
    },
    atEnd: ({ space }) => [must(space, 0, 32, prot), must(space, 1, 33, prot)],
  });
}

function how(differ: boolean): string {
  return differ ? 'or nothing for an instant' : 'and never nothing';
}

function walkVsSplit({ form, where, called, prot, differ }: Case): Scenario {
  const { may, seen } = orNothing(differ);
  return treeScenario({
    ...form,
    name: `walk-vs-split+${where}`,
    about: `A large frame of ${called} becomes small pages: is its frame found, ${how(differ)}?`,
    rules: ['T1', 'T2', 'T3'],
    mustSee: ['split', 'walk: 33', ...seen],
    threads: 2,
    pages: 4,
    mapped: [0, 1],
    prot,
    play: ({ world, by, space }) => {
      const [one, two] = world.threads as [Thread, Thread];
      makeLarge(space, prot);
      return [[splits(by(one))], [walks(by(two), 1, [33, ...may], prot)]];
    },
    atEnd: ({ space }) => [must(space, 0, 32, prot), must(space, 1, 33, prot)],
  });
}

/** A walk that finds what page 0 allows, and perhaps nothing. */
function asksRights(space: Space, differ: boolean): Operation {
  const { thread } = space;
  return () => {
    rcuReadLock(thread);
    const found = walk(space, 0 as Vpn);
    rcuReadUnlock(thread);
    if (found !== NOT_MAPPED) return `walk: allows ${protOf(found)}`;
    if (differ) return 'walk: nothing';
    throw new InvariantError('T3', 'a walk found nothing, though the page was mapped throughout');
  };
}

const takesExec =
  (space: Space, pages: number): Operation =>
  () => {
    protectStep(space, 0 as Vpn, pages, PROT);
  };

function walkVsProtect({ form, where, called }: Subject, differ: boolean): Scenario {
  const { seen } = orNothing(differ);
  return treeScenario({
    ...form,
    name: `walk-vs-protect+${where}`,
    about: `A page of ${called} may not be executed any more: is it found, ${how(differ)}?`,
    rules: ['T2', 'T3'],
    mustSee: [`walk: allows ${EXEC}`, `walk: allows ${PROT}`, ...seen],
    threads: 2,
    mapped: [0],
    prot: EXEC,
    play: ({ world, by }) => {
      const [one, two] = world.threads as [Thread, Thread];
      return [[takesExec(by(one), 1)], [asksRights(by(two), differ)]];
    },
    atEnd: ({ space }) => [must(space, 0, 16)],
  });
}

function cpuVsCollapse({ form, where, called, prot }: Case): Scenario {
  return treeScenario({
    ...form,
    name: `cpu-vs-collapse+${where}`,
    about: `Pages of ${called} become a large frame while both words of its entry are read.`,
    rules: ['T2'],
    mustSee: ['entry: a table', 'entry: nothing', `entry: allows ${prot}`, 'entry: changes'],
    threads: 2,
    mapped: [0, 1],
    prot,
    play: (tree) => {
      const [one, two] = tree.world.threads as [Thread, Thread];
      const reads = readsEntry(tree, two, LARGE);
      return [[collapses(tree.by(one), 0, 32, prot)], [reads, reads]];
    },
  });
}

function cpuVsSplit({ form, where, called, prot }: Case): Scenario {
  return treeScenario({
    ...form,
    name: `cpu-vs-split+${where}`,
    about: `A large frame of ${called} becomes small pages while both words of its entry are read.`,
    rules: ['T2'],
    mustSee: ['entry: a table', 'entry: nothing', `entry: allows ${prot}`, 'entry: changes'],
    threads: 2,
    pages: 4,
    mapped: [0, 1],
    prot,
    play: (tree) => {
      const [one, two] = tree.world.threads as [Thread, Thread];
      makeLarge(tree.space, prot);
      const reads = readsEntry(tree, two, LARGE);
      return [[splits(tree.by(one))], [reads, reads]];
    },
  });
}

const cpuVsProtect = treeScenario({
  ...x86.form,
  name: 'cpu-vs-protect+x86',
  about: 'A page of x86-64 may not be executed any more, while both words of its entry are read.',
  rules: ['T2'],
  mustSee: [`entry: allows ${EXEC}`, `entry: allows ${PROT}`, 'entry: nothing', 'entry: changes'],
  threads: 2,
  mapped: [0],
  prot: EXEC,
  play: (tree) => {
    const [one, two] = tree.world.threads as [Thread, Thread];
    const reads = readsEntry(tree, two, PTE);
    return [[takesExec(tree.by(one), 1)], [reads, reads]];
  },
});

const lookVsProtect = treeScenario({
  ...x86.form,
  name: 'look-vs-protect+x86',
  about:
    'A large page of x86-64 may not be executed any more: whoever asks is told that it is one.',
  rules: ['T2'],
  mustSee: ['large'],
  threads: 2,
  mapped: [0, 1],
  prot: EXEC,
  play: ({ world, by, space }) => {
    const [one, two] = world.threads as [Thread, Thread];
    makeLarge(space, EXEC);
    const asks = (): string => {
      if (isLarge(by(two), 1 as Vpn)) return 'large';
      throw new InvariantError('T2', 'a page is not large, though it was so throughout');
    };
    return [[takesExec(by(one), 4)], [asks]];
  },
  atEnd: ({ space }) => [
    must(space, 0, 32),
    must(space, 1, 33),
    isLarge(space, 4 as Vpn) ? { rule: 'T2', detail: 'a hole is said to be large' } : null,
  ],
});

/** As cpu-vs-remap+two-words, of entries that ship. */
function cpuVsRemap({ form, where, called }: Subject): Scenario {
  return treeScenario({
    ...form,
    name: `cpu-vs-remap+${where}`,
    about: `A page of ${called} is unmapped, and mapped without exec, while both words are read.`,
    rules: ['T2'],
    mustSee: [`entry: allows ${EXEC}`, `entry: allows ${PROT}`, 'entry: nothing', 'entry: changes'],
    threads: 2,
    mapped: [0, 1],
    prot: EXEC,
    play: (tree) => {
      const [one, two] = tree.world.threads as [Thread, Thread];
      const reads = readsEntry(tree, two, PTE);
      return [
        [unmaps(tree.by(one), 0), maps(tree.by(one), 0, 9)],
        [reads, reads],
      ];
    },
  });
}

/** What a caller does that finds nothing: it maps the page, is refused, and walks again. */
function faults(space: Space, may: readonly number[], after: number): Operation {
  const walksOn = walks(space, 1, [...may, -1]);
  const walksAgain = walks(space, 1, [after]);
  return (results) => {
    const found = walksOn(results) as string;
    if (found !== 'walk: nothing') return found;
    const outcome = mapPage(space, 1, 40);
    if (outcome !== 'mapped')
      throw new InvariantError('T2', `a mapped page was mapped: ${outcome}`);
    return `fault, ${walksAgain(results)}`;
  };
}

function faultVsCollapse({ form, where, called }: Case): Scenario {
  return treeScenario({
    ...form,
    name: `fault-vs-collapse+${where}`,
    about: `Nothing is found while pages of ${called} become a large frame: a fault finds that.`,
    rules: ['T1', 'T2', 'T3'],
    mustSee: ['walk: 17', 'walk: 33', 'fault, walk: 33'],
    threads: 2,
    pages: 4,
    mapped: [0, 1],
    play: ({ world, by }) => {
      const [one, two] = world.threads as [Thread, Thread];
      return [[collapses(by(one), 0, 32)], [faults(by(two), [17, 33], 33)]];
    },
  });
}

const faultVsCollapseNoPage = treeScenario({
  ...x86.form,
  name: 'fault-vs-collapse+no-page-left',
  about: 'The same where no page is left for a table: a fault finds that it needs none.',
  rules: ['T1', 'T2', 'P8'],
  mustSee: ['walk: 17', 'walk: 33', 'fault, walk: 33', 'map: no-page'],
  threads: 2,
  pages: 2,
  mapped: [0, 1, 4],
  play: ({ world, by }) => {
    const [one, two] = world.threads as [Thread, Thread];
    return [[collapses(by(one), 0, 32)], [faults(by(two), [17, 33], 33), maps(by(two), 8, 9)]];
  },
});

function faultVsSplit({ form, where, called }: Case): Scenario {
  return treeScenario({
    ...form,
    name: `fault-vs-split+${where}`,
    about: `Nothing is found while a large frame of ${called} is split: a fault finds small pages.`,
    rules: ['T1', 'T2', 'T3'],
    mustSee: ['walk: 33', 'fault, walk: 33'],
    threads: 2,
    pages: 4,
    mapped: [0, 1],
    play: ({ world, by, space }) => {
      const [one, two] = world.threads as [Thread, Thread];
      makeLarge(space);
      return [[splits(by(one))], [faults(by(two), [33], 33)]];
    },
  });
}

export const WORD_SCENARIOS: readonly Scenario[] = [
  ...CASES.map(walkVsCollapse),
  ...CASES.map(walkVsSplit),
  ...[s390, sv39, radix].map((subject) => walkVsProtect(subject, false)),
  walkVsProtect(x86, true),
  ...DIFFERENT.map(cpuVsCollapse),
  ...DIFFERENT.map(cpuVsSplit),
  cpuVsProtect,
  lookVsProtect,
  ...[x86, radix].map(cpuVsRemap),
  ...DIFFERENT.map(faultVsCollapse),
  ...DIFFERENT.map(faultVsSplit),
  faultVsCollapseNoPage,
];
