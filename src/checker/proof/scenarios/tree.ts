/**
 * What scenarios of page tables have in common: a small tree, what threads do with it, and what
 * must be left of it. Their rules:
 *
 *   T1  every table of an mm is named by one entry of its tree, and no other
 *   T2  an entry is none, or names a table, or maps a frame; nobody acts on halves of two
 *   T3  a walk finds what was mapped there at some instant of its section
 *   T4  once the lock is let go of under which an entry was changed, no TLB gives what was there
 */
import { InvariantError, UsageError } from '../../../core/base/errors.js';
import type { Vpn } from '../../../core/base/units.js';
import { destroyMm } from '../../../core/frag/mm.js';
import type { Kind, LockWaits, Thread } from '../../../core/mem/heap.js';
import { collapse } from '../../../core/pgtable/collapse.js';
import type { EntryFormat, Prot } from '../../../core/pgtable/format.js';
import { mapStep, unmapStep } from '../../../core/pgtable/map.js';
import { endSpace, makeSpace, rootOf, type Space, spaceOf } from '../../../core/pgtable/space.js';
import { checkTree } from '../../../core/pgtable/tree.js';
import { frameOf, NOT_MAPPED, protOf, walk } from '../../../core/pgtable/walk.js';
import { rcuReadLock, rcuReadUnlock } from '../../../core/rcu/reader.js';
import type { Operation } from '../../model/program.js';
import type { Finding, Scenario } from '../../model/scenario.js';
import type { KitOptions } from '../kit.js';
import { heapScenario, type World } from './actors.js';
import { MODEL_FORMAT, TREE_KINDS } from './forms.js';

/** The tree has 8 pages; 0 and 1 share a table, 2 has another below the same one above. */
export const ALL = 8;
export const PAGE_BYTES = 4096;

/** What a page allows in scenarios: to be read and written; a fork takes the second away. */
export const PROT = 3;
export const READ_ONLY = 1;

export interface TreeWorld {
  readonly world: World;
  readonly space: Space;
  /** The space as another thread has it. */
  readonly by: (thread: Thread) => Space;
  readonly see: World['see'];
}

export interface TreeBody {
  readonly name: string;
  readonly about: string;
  readonly rules: readonly string[];
  readonly mustSee: readonly string[];
  readonly threads: number;
  readonly pages?: number;
  readonly mms?: number;
  readonly lockWaits?: Partial<LockWaits>;
  readonly killed?: readonly number[];
  readonly large?: boolean;
  /** Threads that are none of the heap's. */
  readonly others?: number;
  /** Of the space; default: three levels. */
  readonly format?: EntryFormat;
  /** The tables of that; default: the model's. */
  readonly kinds?: readonly Kind[];
  /** Pages that setting up maps, each to the frame of its number plus 16. */
  readonly mapped: readonly number[];
  /** What these pages allow. */
  readonly prot?: Prot;
  readonly play: (world: TreeWorld) => readonly (readonly Operation[])[];
  readonly atEnd?: (
    world: TreeWorld,
    results: readonly (readonly unknown[])[],
  ) => readonly (Finding | null)[];
}

/** A scenario over a small tree; at its end the tree is checked, taken down, and all comes back. */
export function treeScenario(body: TreeBody): Scenario {
  const { threads, pages = 3, mms = 1, format = MODEL_FORMAT, kinds = TREE_KINDS } = body;
  const { name, about, rules, mustSee, killed, others = 0, lockWaits = {} } = body;
  const kit: KitOptions = { threads, others, pages, mms, kinds, lockWaits };
  return heapScenario({
    ...{ name, about, rules, mustSee, kit, killed, large: body.large === true },
    play: (world) => {
      const by = (thread: Thread): Space => spaceOf(thread, format, world.mm);
      const space = by(world.threads[0] as Thread);
      const tree: TreeWorld = { world, space, by, see: world.see };
      makeSpace(space);
      for (const page of body.mapped) mapPage(space, page, page + 16, body.prot);
      return {
        threads: body.play(tree),
        atEnd: (results) => {
          const found = [...(body.atEnd?.(tree, results) ?? [])];
          found.push(...endOf(space));
          return found;
        },
      };
    },
  });
}

/** Checks what is left of a tree, and takes it down. */
export function endOf(space: Space): Finding[] {
  if (rootOf(space) === 0) return [];
  try {
    const found = checkTree(space);
    if (found.length > 0) return found;
    unmapAll(space);
    endSpace(space);
    destroyMm(space.thread, space.mm);
    return [];
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return [{ rule: 'T1', detail: error.message }];
  }
}

export function unmapAll(space: Space): void {
  let vpn = 0;
  while (vpn < ALL) {
    const step = unmapStep(space, vpn as Vpn, ALL - vpn);
    if (step.kind !== 'done') throw new InvariantError('T1', `unmap: ${step.kind}`);
    vpn += step.pages;
  }
}

/** Maps one page; `mapped` if it was there already. */
export function mapPage(space: Space, page: number, frame: number, prot: Prot = PROT): string {
  for (;;) {
    const step = mapStep(space, page as Vpn, 1, frame * PAGE_BYTES, prot);
    if (step.kind !== 'done') return step.kind;
    if (step.pages === 1) return 'done';
  }
}

export function maps(space: Space, page: number, frame: number): Operation {
  return () => `map: ${mapPage(space, page, frame)}`;
}

export function unmaps(space: Space, page: number): Operation {
  return () => {
    unmapStep(space, page as Vpn, 1);
  };
}

/** One walk in a section of its own: it may find these frames, or nothing if -1 is among them. */
export function walks(
  space: Space,
  page: number,
  may: readonly number[],
  prot: Prot = PROT,
): Operation {
  const { thread } = space;
  return () => {
    rcuReadLock(thread);
    const found = walk(space, page as Vpn);
    rcuReadUnlock(thread);
    return judged(found, may, prot);
  };
}

export function judged(found: number, may: readonly number[], prot: Prot = PROT): string {
  const frame = found === NOT_MAPPED ? -1 : frameOf(found);
  const odd = found !== NOT_MAPPED && protOf(found) !== prot;
  if (odd || !may.includes(frame)) {
    const why = frame === -1 ? 'though the page was mapped throughout' : 'which never was there';
    throw new InvariantError('T3', `a walk found ${describe(found)}, ${why}`);
  }
  return frame === -1 ? 'walk: nothing' : `walk: ${frame}`;
}

export function collapses(space: Space, page: number, frame: number, prot: Prot = PROT): Operation {
  return () => {
    const done = collapse(space, page as Vpn, frame * PAGE_BYTES, prot);
    return done ? 'collapsed' : 'nothing to collapse';
  };
}

/** What a page must be mapped to in the end. */
export function must(space: Space, page: number, frame: number, prot: Prot = PROT): Finding | null {
  const found = walk(space, page as Vpn);
  if (found !== NOT_MAPPED && frameOf(found) === frame && protOf(found) === prot) return null;
  const wanted = `frame ${frame} with access ${prot}`;
  return { rule: 'T3', detail: `page ${page}: ${describe(found)} in the end, not ${wanted}` };
}

/** A page that must be mapped to nothing in the end. */
export function mustNot(space: Space, page: number): Finding | null {
  const found = walk(space, page as Vpn);
  if (found === NOT_MAPPED) return null;
  const frame = frameOf(found);
  return { rule: 'T2', detail: `page ${page} is mapped to frame ${frame}, and nobody mapped it` };
}

/** What a walk gives, in words. */
function describe(found: number): string {
  return found === NOT_MAPPED ? 'nothing' : `frame ${frameOf(found)} with access ${protOf(found)}`;
}
