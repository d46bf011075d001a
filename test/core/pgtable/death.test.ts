/**
 * Each step of an operation on page tables, killed before each of its writes: what it leaves is
 * recovered, each page is as before or as it was to become, and no table is lost.
 */
import { describe, expect, it } from 'vitest';
import type { MmId, Vpn } from '#src/core/base/units.js';
import { createMm, destroyMm } from '#src/core/frag/mm.js';
import { recoverThread } from '#src/core/frag/recover.js';
import { type Thread, withLockWaits } from '#src/core/mem/heap.js';
import { collapse, depositTable, split, withdrawTable } from '#src/core/pgtable/collapse.js';
import { forkStep } from '#src/core/pgtable/fork.js';
import { PROT } from '#src/core/pgtable/format.js';
import { formatNamed, formatOf } from '#src/core/pgtable/formats/index.js';
import { mapStep, protectStep, unmapStep } from '#src/core/pgtable/map.js';

import {
  endSpace,
  levelOf,
  makeSpace,
  rootOf,
  type Space,
  spaceOf,
} from '#src/core/pgtable/space.js';
import { checkTree } from '#src/core/pgtable/tree.js';
import { tableRecovery } from '#src/core/pgtable/unmake.js';
import { frameOf, NOT_MAPPED, protOf, walk } from '#src/core/pgtable/walk.js';
import { attachThread } from '#src/core/rcu/attach.js';
import { rcuReadLock, rcuReadUnlock } from '#src/core/rcu/reader.js';
import { checkClean, drain, makeHeap } from '../../support/heap.js';
import { LONG } from '../../support/long.js';
import { MortalMemory } from '../../support/mortal.js';

const RW = PROT.read | PROT.write;
const ALL = RW | PROT.exec;

/** A heap with a space in it that has some pages, far from each other. */
class Scene {
  readonly mem: MortalMemory;
  readonly survivor: Thread;
  readonly victim: Thread;
  readonly space: Space;
  readonly dying: Space;
  readonly pageBytes: number;
  /** Pages of a lowest table; and what is looked at: pages that are mapped, and neighbours. */
  readonly span: number;
  readonly looked: readonly Vpn[];

  constructor(geometry: string) {
    const memory = (words: Int32Array): MortalMemory => new MortalMemory(words);
    const { heap, mem, thread } = makeHeap({ geometry, pagesMax: 64, memory });
    const format = formatNamed(geometry);
    this.mem = mem as MortalMemory;
    this.survivor = thread;
    this.victim = withLockWaits(attachThread(heap, 'epoch'), { lookMs: 1, stallMs: 50 });
    const mm = createMm(thread);
    this.space = spaceOf(thread, format, mm);
    this.dying = spaceOf(this.victim, format, mm);
    expect(makeSpace(this.space)).toBe(true);
    this.pageBytes = 2 ** format.pageShift;
    this.span = 2 ** levelOf(format, 0).indexBits;
    this.looked = [0, 1, 2, 5, this.span, this.span + 1, 2 * this.span] as Vpn[];
    for (const page of [0, 1, 2, this.span]) this.map(this.space, page, RW);
  }

  map(space: Space, page: number, prot: number, count = 1): void {
    mapStep(space, page as Vpn, count, (page + 1) * this.pageBytes, prot);
  }

  /** What each page that is looked at maps to, and allows. */
  seen(space = this.space): readonly string[] {
    const { thread } = space;
    return this.looked.map((page) => {
      rcuReadLock(thread);
      const found = walk(space, page);
      rcuReadUnlock(thread);
      return found === NOT_MAPPED ? '-' : `${frameOf(found)}:${protOf(found)}`;
    });
  }

  recover(): void {
    expect(recoverThread(this.victim, tableRecovery(formatOf))).toBe(true);
  }
}

type Deed = (scene: Scene) => unknown;

/** Steps of the victim; what comes before is done by the survivor. */
const DEEDS: Readonly<Record<string, readonly [before: Deed, act: Deed]>> = {
  'mapping a page that has a table': [() => 0, (s) => s.map(s.dying, 5, RW, 3)],
  'mapping a page that has none': [() => 0, (s) => s.map(s.dying, 2 * s.span, RW)],
  'unmapping some pages of a table': [() => 0, (s) => unmapStep(s.dying, 0 as Vpn, 2)],
  'unmapping all pages of a table': [() => 0, (s) => unmapStep(s.dying, s.span as Vpn, 1)],
  'protecting pages': [() => 0, (s) => protectStep(s.dying, 0 as Vpn, 3, PROT.read)],
  'letting pages be executed': [() => 0, (s) => protectStep(s.dying, 0 as Vpn, 3, ALL)],
  'collapsing a table': [
    () => 0,
    (s) => collapse(s.dying, 0 as Vpn, s.span * s.pageBytes, PROT.read),
  ],
  'splitting a large frame': [
    (s) => collapse(s.space, 0 as Vpn, s.span * s.pageBytes, RW),
    (s) => {
      const deposited = depositTable(s.dying);
      if (deposited === null) return;
      if (!split(s.dying, 0 as Vpn, deposited)) withdrawTable(s.dying, deposited);
    },
  ],
};

const GEOMETRIES = ['s390', 'generic', 'powerpc-radix-64k'];
const MORE_GEOMETRIES = LONG ? ['riscv-sv39', 'powerpc-radix-4k'] : [];

describe.each([...GEOMETRIES, ...MORE_GEOMETRIES])('page tables of %s', (geometry) => {
  it.each(Object.entries(DEEDS))('survive a death in %s', (name, [before, act]) => {
    let deaths = 0;
    for (let writes = 0; ; writes = next(writes, 24), deaths++) {
      if (!killAt(geometry, name, before, act, writes, null)) break;
      if (!LONG && deaths % 8 !== 0) continue;
      for (let again = 0; killAt(geometry, name, before, act, writes, again); ) {
        again = next(again, 4);
      }
    }
    expect(deaths).toBeGreaterThan(3);
  });

  it('survive a death in making, growing and ending a space', () => {
    let deaths = 0;
    for (let writes = 0; dieInLife(geometry, writes); writes = next(writes, 60)) deaths++;
    expect(deaths).toBeGreaterThan(60);
  });
});

/** Which write comes next: all up to one, then some, unless there is time for all. */
function next(writes: number, all: number): number {
  return LONG || writes < all ? writes + 1 : writes + 29;
}

function killAt(
  geometry: string,
  name: string,
  before: Deed,
  act: Deed,
  writes: number,
  again: number | null,
): boolean {
  const scene = new Scene(geometry);
  const { mem, space, survivor } = scene;
  before(scene);
  const was = scene.seen();
  const done = doneBy(geometry, before, act);
  if (!mem.dies(writes, () => void act(scene))) return false;
  if (again !== null && !mem.dies(again, () => scene.recover())) return false;
  scene.recover();
  const now = scene.seen();
  for (const [at, found] of now.entries()) expect([was[at], done[at]], name).toContain(found);
  expect(checkTree(space)).toEqual([]);
  checkClean(survivor.heap);
  drain(survivor);
  checkClean(survivor.heap, { drained: true });
  // All of it can be used on, and comes down.
  for (const page of scene.looked) scene.map(space, page, RW);
  expect(scene.seen().includes('-')).toBe(false);
  end(space);
  drain(survivor);
  checkClean(survivor.heap, { drained: true });
  return true;
}

/** What is seen where nobody dies. */
function doneBy(geometry: string, before: Deed, act: Deed): readonly string[] {
  const scene = new Scene(geometry);
  before(scene);
  act(scene);
  return scene.seen();
}

function end(space: Space): void {
  const most = 2 ** 36;
  for (let page = 0; page < most; ) {
    const step = unmapStep(space, page as Vpn, most - page);
    if (step.kind === 'done') page += step.pages;
    else if (step.kind === 'large') throw new Error('large');
  }
  expect(endSpace(space)).toBe(true);
  destroyMm(space.thread, space.mm);
}

/** A space that the victim makes, maps a page far up in, forks into and ends. */
function dieInLife(geometry: string, writes: number): boolean {
  const scene = new Scene(geometry);
  const { mem, survivor, victim, space } = scene;
  const mm: MmId = createMm(survivor);
  const own = spaceOf(victim, space.format, mm);
  const theirs = spaceOf(survivor, space.format, mm);
  const far = (2 ** 22) as Vpn;
  const isDead = mem.dies(writes, () => {
    makeSpace(own);
    mapStep(own, far, 1, scene.pageBytes, RW);
    forkStep(scene.dying, own, 0 as Vpn, scene.span);
    unmapStep(own, far, 1);
    unmapStep(own, 0 as Vpn, scene.span);
    endSpace(own);
  });
  if (!isDead) return false;
  scene.recover();
  if (rootOf(theirs) !== 0) {
    expect(checkTree(theirs)).toEqual([]);
    end(theirs);
  } else destroyMm(survivor, mm);
  expect(checkTree(space)).toEqual([]);
  end(space);
  drain(survivor);
  checkClean(survivor.heap, { drained: true });
  return true;
}
