/** A tree from above: every table and every mapping, for checks, images and dumps. */

import type { Vpn, Word } from '../base/units.js';
import { at } from '../base/units.js';
import type { Violation } from '../frag/check.js';
import { tablesOf } from '../frag/mm.js';
import { ENTRY_WORDS, isNone, lowWord, tableNamed } from './entry.js';
import { frameAddress, isLeaf, isTable } from './format.js';
import { depthOf, levelOf, rootOf, type Space, spanOf, topTable } from './space.js';

/** One valid entry that maps a frame. */
export interface Mapping {
  readonly vpn: Vpn;
  readonly pages: number;
  /** Physical address of the frame. */
  readonly address: number;
  readonly prot: number;
}

export interface TreeVisitor {
  readonly onTable?: (number: number, table: Word, vpn: Vpn) => void;
  readonly onMapping?: (mapping: Mapping) => void;
  /** An entry that is neither none nor anything else. */
  readonly onBad?: (number: number, entry: Word, vpn: Vpn) => void;
}

/** Goes through the tree, in the order of addresses. Context: nobody changes it. */
export function visitTree(space: Space, visitor: TreeVisitor): void {
  const root = rootOf(space);
  if (root === 0) return;
  visitTable(space, visitor, depthOf(root) - 1, topTable(root), 0 as Vpn);
}

function visitTable(
  space: Space,
  visitor: TreeVisitor,
  number: number,
  table: Word,
  begin: Vpn,
): void {
  const { thread, format } = space;
  const { mem } = thread;
  const level = levelOf(format, number);
  const span = spanOf(format, number);
  visitor.onTable?.(number, table, begin);
  for (let index = 0; index < 1 << level.indexBits; index++) {
    const entry = at(table, index * ENTRY_WORDS);
    const vpn = (begin + index * span) as Vpn;
    const low = mem.load(lowWord(entry));
    // A level lower each time: even a tree whose entries name a table twice has an end.
    if (number > 0 && isTable(level, low)) {
      visitTable(space, visitor, number - 1, tableNamed(level, low), vpn);
    } else if (isLeaf(level, low)) {
      const address = frameAddress(level, low);
      const prot = format.protOf(number, low);
      visitor.onMapping?.({ vpn, pages: span, address, prot });
    } else if (!isNone(mem, level, entry)) visitor.onBad?.(number, entry, vpn);
  }
}

/** How many tables a tree has. Context: nobody changes it. */
export function countTables(space: Space): number {
  const root = rootOf(space);
  return root === 0 ? 0 : countBelow(space, depthOf(root) - 1, topTable(root));
}

function countBelow(space: Space, number: number, table: Word): number {
  if (number === 0) return 1;
  const { mem } = space.thread;
  const level = levelOf(space.format, number);
  let count = 1;
  for (let index = 0; index < 1 << level.indexBits; index++) {
    const low = mem.load(lowWord(at(table, index * ENTRY_WORDS)));
    if (isTable(level, low)) count += countBelow(space, number - 1, tableNamed(level, low));
  }
  return count;
}

/**
 * What is wrong with a tree: a table of the mm that no entry leads to, one that two lead to, an
 * entry that is nothing. Context: no operation on the space is under way, and its mm is live.
 */
export function checkTree(space: Space): Violation[] {
  const found: Violation[] = [];
  const tables = new Set<Word>();
  visitTree(space, {
    onTable: (number, table) => {
      if (tables.has(table)) {
        found.push({ rule: 'T1', detail: `two entries name table ${table}, level ${number}` });
      }
      tables.add(table);
    },
    onBad: (number, entry) => {
      found.push({ rule: 'T2', detail: `entry ${entry}, level ${number}, is no entry` });
    },
  });
  const counted = tablesOf(space.thread, space.mm);
  if (counted !== tables.size) {
    const detail = `mm ${space.mm} has ${counted} tables, its tree ${tables.size}`;
    found.push({ rule: 'T1', detail });
  }
  return found;
}
