/**
 * Threads that go round and change nothing: whoever lets one thread run for long, by a bound on
 * preemptions, by chance or by priority, lets another go on instead, as any scheduler does.
 */
import { ACCESS, type AccessKind } from './access.js';
import { threadsIn } from './bits.js';
import type { Log } from './log.js';
import type { Machine } from './machine.js';
import { FIELD } from './state.js';

/** Accesses of a round. */
const ROUND_MAX = 32;

/** Of threads that can make a step, as bits, those that are not going round; all if all are. */
export function notSpinning(machine: Machine, enabled: number): number {
  let others = enabled;
  for (const thread of threadsIn(enabled)) {
    if (isSpinning(machine, thread)) others &= ~(1 << thread);
  }
  return others === 0 ? enabled : others;
}

/**
 * Whether a thread is about to make an access again behind which it has only read, and would read
 * the same.
 */
function isSpinning(machine: Machine, thread: number): boolean {
  if (machine.wakesItself(thread)) return false;
  const { state } = machine;
  const log = machine.logs[thread] as Log;
  const next = machine.nextRow(thread);
  const first = Math.max(state.getField(thread, FIELD.BEGIN), next - ROUND_MAX);
  const { kind, word, a, b } = log.access(next);
  for (let row = next - 1; row >= first; row--) {
    const found = log.found(row);
    if (!onlyReads(log.kind(row), log.a(row), found)) return false;
    if (state.view(log.word(row)) !== found) return false;
    if (log.matches(row, kind, word, a, b)) return true;
  }
  return false;
}

function onlyReads(kind: AccessKind, a: number, found: number): boolean {
  if (kind === ACCESS.cas) return found !== a;
  return kind === ACCESS.load || kind === ACCESS.glance || kind === ACCESS.peek;
}
