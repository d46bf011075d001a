/**
 * The rooms of this house: which folders `src/` has, what each is for, and what each may import.
 *
 * This is the one list. A test holds every import against it, and every arrow in it against the
 * imports, so it permits what is needed today and nothing else: a new arrow is a decision that is
 * taken here. A copy of the build with a mutant in it has the rooms that a scenario needs by this
 * list; the table in ARCHITECTURE.md is made from it.
 */

export type RoomName =
  | ('base' | 'mem' | 'rcu' | 'frag' | 'pgtable' | 'variants')
  | 'api'
  | ('model' | 'proof' | 'check')
  | ('designs' | 'trace' | 'import' | 'compare' | 'oracle' | 'crew' | 'replay' | 'torture')
  | 'report'
  | 'cli';

export interface Room {
  /** Below `src/`, and below `dist/`. */
  readonly folder: string;
  /** One line, for a reader who is looking for something. */
  readonly about: string;
  /** Names of the rooms that it may import from, beside itself. */
  readonly mayImport: readonly RoomName[];
  /** Imports no package and no module of Node's: it runs in any engine, and in the checker. */
  readonly standsAlone?: true;
  /** Its operations are run again and again by the checker: rules X1 to X6. */
  readonly isReplayed?: true;
}

const CORE: readonly RoomName[] = ['base', 'mem', 'rcu', 'frag', 'pgtable'];

/** From the ground up: no room imports from one that stands below it here. */
export const ROOMS: Readonly<Record<RoomName, Room>> = {
  base: {
    folder: 'core/base',
    about: 'errors, branded integers, a seeded generator: nothing shared',
    mayImport: [],
    standsAlone: true,
  },
  mem: {
    folder: 'core/mem',
    about: 'shared memory: the one way to it (`Memory`), its layout, lock, list, supply of pages',
    mayImport: ['base'],
    standsAlone: true,
    isReplayed: true,
  },
  rcu: {
    folder: 'core/rcu',
    about: 'read sections, grace periods, callbacks',
    mayImport: ['base', 'mem'],
    standsAlone: true,
    isReplayed: true,
  },
  frag: {
    folder: 'core/frag',
    about: 'the protocol: states, alloc, free, the callback, address spaces, the whole-heap check',
    mayImport: ['base', 'mem', 'rcu'],
    standsAlone: true,
    isReplayed: true,
  },
  pgtable: {
    folder: 'core/pgtable',
    about: 'page tables of each architecture: walk, map, unmap, fork, collapse',
    mayImport: ['base', 'mem', 'rcu', 'frag'],
    standsAlone: true,
    isReplayed: true,
  },
  variants: {
    folder: 'core/variants',
    about: 'the same protocol by compare-and-swap, twice, to be compared with frag',
    mayImport: ['base', 'mem', 'rcu', 'frag'],
    standsAlone: true,
    isReplayed: true,
  },
  api: {
    folder: 'api',
    about: 'what users import: heaps, threads, address spaces',
    mayImport: CORE,
  },
  model: {
    folder: 'checker/model',
    about: 'the checker, for any code over `Memory`: every interleaving, failures as data',
    mayImport: ['base', 'mem'],
    standsAlone: true,
  },
  proof: {
    folder: 'checker/proof',
    about: 'what the checker is asked about the core: scenarios, mutants, names of words, costs',
    mayImport: [...CORE, 'variants', 'model'],
    standsAlone: true,
  },
  check: {
    folder: 'checker/check',
    about: 'the catalogue as one job: in workers, in shards, merged',
    mayImport: ['base', 'model', 'proof'],
  },
  designs: {
    folder: 'lab/designs',
    about: 'what is compared: our design, and those of Linux (linux/), behind one interface',
    mayImport: [...CORE, 'variants'],
  },
  trace: {
    folder: 'lab/trace',
    about: 'recordings of kernels, read; a form of recording is a file of forms/',
    mayImport: ['base', 'pgtable', 'designs'],
  },
  import: {
    folder: 'lab/import',
    about: 'from the text of a recorder of programs to a trace',
    mayImport: ['base', 'pgtable', 'trace'],
  },
  compare: {
    folder: 'lab/compare',
    about: 'designs side by side on a recording',
    mayImport: ['base', 'frag', 'pgtable', 'designs', 'trace'],
  },
  oracle: {
    folder: 'lab/oracle',
    about: 'a rule of Linux against what that Linux did',
    mayImport: ['base', 'pgtable', 'designs', 'trace'],
  },
  crew: {
    folder: 'lab/crew',
    about: 'threads that work together: started, given tasks, watched, stopped',
    mayImport: ['base', 'mem', 'rcu', 'frag', 'api'],
  },
  replay: {
    folder: 'lab/replay',
    about:
      'a recording done again: on one thread, on threads (tables/), through page tables (pgtable/)',
    mayImport: [...CORE, 'api', 'designs', 'trace', 'compare', 'crew'],
  },
  torture: {
    folder: 'lab/torture',
    about: 'threads without mercy: killed, out of memory, and recovered; what held of the rules',
    mayImport: ['base', 'mem', 'rcu', 'frag', 'api', 'crew'],
  },
  report: {
    folder: 'report',
    about: 'documents as text, as HTML, as a Perfetto trace; knows no terminal',
    mayImport: ['model', 'check', 'compare', 'oracle', 'replay', 'torture'],
    standsAlone: true,
  },
  cli: {
    folder: 'cli',
    about: 'the commands; the only room that prints',
    mayImport: [
      'base',
      'mem',
      'pgtable',
      'variants',
      'api',
      'model',
      'proof',
      'check',
      'designs',
      'trace',
      'import',
      'compare',
      'oracle',
      'replay',
      'torture',
      'report',
    ],
  },
};

/** What a room needs to run: itself and all that it imports, directly or not. */
export function neededBy(name: RoomName): Room[] {
  const needed = new Set([name]);
  // The set grows while it is gone through: so what is imported by what is imported comes too.
  for (const each of needed) {
    for (const imported of ROOMS[each].mayImport) needed.add(imported);
  }
  return [...needed].map((each) => ROOMS[each]);
}
