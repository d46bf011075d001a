/**
 * What scenarios of a death in the core have in common: a victim, a survivor that works on
 * meanwhile, and who recovers what the victim left. Then nothing is lost: each table that somebody
 * was given is there, and no other.
 */
import { InvariantError } from '../../../core/base/errors.js';
import type { Word } from '../../../core/base/units.js';
import { at } from '../../../core/base/units.js';
import { INTENT } from '../../../core/frag/intent.js';
import { getState } from '../../../core/frag/ptdesc.js';
import { recoverThread, type TableRecovery } from '../../../core/frag/recover.js';
import { A } from '../../../core/frag/state.js';
import { mmRecord, pfnOfAddress, ptdescOf, type Thread } from '../../../core/mem/heap.js';
import { MM, PTDESC, THREAD } from '../../../core/mem/layout.js';
import { threadInside } from '../../../core/mem/lock.js';
import type { Operation } from '../../model/program.js';
import type { Finding, Scenario } from '../../model/scenario.js';
import { type KitOptions, PTE } from '../kit.js';
import { type Body, heapScenario, type World } from './actors.js';

const SURVIVOR = 0;
export const VICTIM = 1;
const RECOVERER = 2;

/** What the dead thread was about to do, and whether it had a lock. */
function stageOf({ kit, mm }: World, { mem, record, id }: Thread): string {
  const said = (field: number): number => mem.peek(at(record, field));
  const [what] = Object.entries(INTENT).find(([, each]) => each === said(THREAD.INTENT)) ?? ['?'];
  const lock = mem.load(at(mmRecord(kit.heap, mm), MM.LOCK));
  const where = threadInside(lock) === id ? 'locked' : 'free';
  const hand = said(THREAD.HAND) === 0 ? '' : ' with a page';
  const callback = said(THREAD.RUNNING) === 0 ? '' : ' in a callback';
  return `${what} ${where}${hand}${callback}`;
}

/** Throws what is not in order, while pages and mms wait for their callbacks. */
function requireOrder({ core, kit }: World): void {
  const [wrong] = core.check(kit.heap, { drained: false });
  if (wrong !== undefined) throw new InvariantError(wrong.rule, wrong.detail);
}

/**
 * Kills the victim and recovers what it left; says what that was. Of several who do that each kills
 * those before it, so the last one may find what they have half done. Where nobody else is left
 * then all must be in order.
 */
export function recover(
  world: World,
  before = 0,
  isAlone = false,
  tables?: TableRecovery,
): Operation {
  const victim = world.threads[VICTIM] as Thread;
  return () => {
    for (let other = 0; other < before; other++) world.kill(RECOVERER + other);
    world.kill(VICTIM);
    const stage = stageOf(world, victim);
    if (!recoverThread(victim, tables)) return `${stage}: not recovered`;
    if (isAlone) requireOrder(world);
    return stage;
  };
}

export interface Death extends Pick<Body, 'name' | 'about' | 'mustSee' | 'large'> {
  /** How many recover, of which all but the last may die. Default: 1. */
  readonly recoverers?: number;
  readonly kit: Omit<KitOptions, 'threads' | 'others'>;
  /** What setting up leaves: the operations, and tables that the victim or the survivor frees. */
  readonly play: (world: World) => {
    readonly survivor: readonly Operation[];
    readonly victim: readonly Operation[];
    /** Tables that there are in the beginning and are not freed by the survivor. */
    readonly tables: readonly Word[];
    /** That which the victim frees. */
    readonly freed?: Word;
  };
}

export function death({ kit, play, recoverers = 1, ...facts }: Death): Scenario {
  const all = Array.from({ length: recoverers }, (_, at) => at);
  return heapScenario({
    ...facts,
    rules: ['P1', 'P3', 'P4', 'P6', 'P7', 'P10'],
    killed: [VICTIM, ...all.slice(1).map((at) => RECOVERER + at - 1)],
    // Whoever dies between letting go of a lock and waking who sleeps for it wakes nobody.
    kit: { ...kit, threads: 2, others: recoverers, lockWaits: { lookMs: 1 } },
    play: (world) => {
      const { survivor, victim, tables, freed } = play(world);
      let results: readonly (readonly unknown[])[] = [];
      return {
        threads: [survivor, victim, ...all.map((before) => [recover(world, before, before > 0)])],
        atEnd: (all) => {
          results = all;
          return [];
        },
        drained: () => {
          const given = [SURVIVOR, VICTIM].flatMap((thread) =>
            (results[thread] as readonly unknown[]).filter((each) => typeof each === 'number'),
          );
          // Before the free has the lock, the table is still the caller's, who died.
          const mayBe = freed === undefined ? [] : [freed];
          return [notGiven(world, [...tables, ...(given as Word[])], mayBe)];
        },
      };
    },
  });
}

/** The heap has these tables, perhaps some more, and no others. */
function notGiven(
  { kit: { heap }, mm }: World,
  expected: readonly Word[],
  perhaps: readonly Word[],
): Finding | null {
  const count = heap.mem.peek(at(mmRecord(heap, mm), MM.TABLES));
  const most = expected.length + perhaps.length;
  if (count < expected.length || count > most) {
    return { rule: 'P6', detail: `${count} tables, of which ${expected.length} are known` };
  }
  const lost = expected.find((table) => !isTable(heap, table));
  return lost === undefined ? null : { rule: 'P1', detail: 'a table is gone', word: lost };
}

function isTable(heap: World['kit']['heap'], table: Word): boolean {
  const pfn = pfnOfAddress(heap, table);
  const ptdesc = ptdescOf(heap, pfn);
  const [kind] = heap.kinds;
  const offset = (table - heap.pagesAt) & (2 ** heap.pageShift - 1);
  if (heap.mem.load(at(ptdesc, PTDESC.OWNER)) <= 0) return false;
  return getState(heap.mem, ptdesc, (offset / (kind?.fragmentWords ?? 1)) as never) === A;
}

/** Allocates, and leaves the table as it is. */
export const alloc = ({ core, mm }: World, thread: Thread): Operation => {
  return () => core.allocTable(thread, mm, PTE);
};

export const two = ({ threads }: World): readonly [Thread, Thread] =>
  threads as readonly [Thread, Thread];
