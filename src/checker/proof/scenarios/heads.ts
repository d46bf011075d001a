/** What scenarios of RCU have in common: heads, callbacks that count or tell, and a reader. */
import { InvariantError } from '../../../core/base/errors.js';
import type { Word } from '../../../core/base/units.js';
import type { Thread } from '../../../core/mem/heap.js';
import { RCU_HEAD } from '../../../core/mem/layout.js';
import { type CallbackTable, callRcu, HEAD_IDLE, serveQueue } from '../../../core/rcu/callback.js';
import { owedBy } from '../../../core/rcu/queue.js';
import { rcuReadLock, rcuReadUnlock } from '../../../core/rcu/reader.js';
import type { Operation } from '../../model/program.js';
import type { Finding, Stage } from '../../model/scenario.js';
import type { Kit } from '../kit.js';

/** Words of the scenario's own: two variables, then what callbacks count in, then heads. */
export const X = 0;
export const Y = 1;
export const COUNTS = 2;
const HEADS = 6;

export function headOf(kit: Kit, index: number): Word {
  return kit.own(HEADS + index * RCU_HEAD.WORDS);
}

/** A callback that counts, plainly: two runs at once are a data race. */
export function counting(kit: Kit): CallbackTable {
  return [
    ({ mem }, head): void => {
      const index = (head - kit.own(HEADS)) / RCU_HEAD.WORDS;
      const count = kit.own(COUNTS + index);
      mem.poke(count, mem.peek(count) + 1);
      mem.poke(head, HEAD_IDLE);
    },
  ];
}

/** Head 0's callback tells readers that it ran. */
export function telling(kit: Kit): CallbackTable {
  return [
    ({ mem }, head): void => {
      if (head === headOf(kit, 0)) mem.store(kit.own(Y), 1);
      mem.poke(head, HEAD_IDLE);
    },
  ];
}

export function queue(thread: Thread, kit: Kit, index: number): Operation {
  return () => callRcu(thread, headOf(kit, index), 0);
}

export function serveWith(thread: Thread, owner: Thread, table: CallbackTable): Operation {
  return () => `callbacks ${serveQueue(thread, table, owner.id, 4)}`;
}

/**
 * After everything was drained, each head's callback has run once, and no thread counts one that it
 * queued and that was not taken (R1).
 */
export function ranOnce(kit: Kit, heads: number): (Finding | null)[] {
  const ran = Array.from({ length: heads }, (_, index) => {
    const count = kit.heap.mem.peek(kit.own(COUNTS + index));
    if (count === 1) return null;
    return { rule: 'R1', detail: `callback ${index} ran ${count} times` };
  });
  return [...ran, ...kit.threads.map(owesNone)];
}

/** Who counts what it has queued, and what was taken of it, counts to 0 in the end. */
function owesNone(thread: Thread): Finding | null {
  const owed = owedBy(thread);
  if (owed === 0) return null;
  return { rule: 'R1', detail: `thread ${thread.id} counts ${owed} callbacks that have not run` };
}

export function readBoth(thread: Thread, kit: Kit, see: Stage['see'], nested: boolean): Operation {
  return () => {
    const { mem } = thread;
    rcuReadLock(thread);
    if (nested) rcuReadLock(thread);
    const x = mem.load(kit.own(X));
    if (nested) {
      rcuReadUnlock(thread);
      rcuReadLock(thread);
    }
    const y = mem.load(kit.own(Y));
    if (nested) rcuReadUnlock(thread);
    rcuReadUnlock(thread);
    see(`x=${x} y=${y}`);
    if (x === 0 && y === 1) {
      throw new InvariantError('G1', 'a section saw the end of a grace period that it was in');
    }
    return x;
  };
}

export function store({ mem }: Thread, word: Word): Operation {
  return () => mem.store(word, 1);
}
