/**
 * Threads that go round and change nothing: whoever lets one thread run for long, by a bound on
 * preemptions, by chance or by priority, lets another go on instead, as any scheduler does.
 */
import { ACCESS, type AccessKind } from './access.js';
import { threadsIn } from './bits.js';
import type { Log } from './log.js';
import type { Machine } from './machine.js';
import { FIELD } from './state.js';

/** Accesses of a round, and rounds: one that gives up after fewer is let go on. */
const ROUND_MAX = 16;
const ROUNDS = 10;

/** Of threads that can make a step, as bits, those that are not going round; all if all are. */
export function notSpinning(machine: Machine, enabled: number): number {
  let others = enabled;
  for (const thread of threadsIn(enabled)) {
    if (isSpinning(machine, thread)) others &= ~(1 << thread);
  }
  return others === 0 ? enabled : others;
}

/**
 * Whether a thread has gone round some times, has only read, and is about to read the same again.
 */
function isSpinning(machine: Machine, thread: number): boolean {
  if (machine.wakesItself(thread)) return false;
  const log = machine.logs[thread] as Log;
  const next = machine.nextRow(thread);
  const begin = machine.state.getField(thread, FIELD.BEGIN);
  const { kind, word, a, b } = log.access(next);
  for (let length = 1; length <= ROUND_MAX && next - length * ROUNDS >= begin; length++) {
    if (!log.matches(next - length, kind, word, a, b)) continue;
    return readsAgain(machine, log, next, length);
  }
  return false;
}

function readsAgain({ state }: Machine, log: Log, next: number, length: number): boolean {
  for (let row = next - 1; row >= next - length * ROUNDS; row--) {
    const found = log.found(row);
    if (!onlyReads(log.kind(row), log.a(row), found)) return false;
    if (state.view(log.word(row)) !== found) return false;
    if (row + length < next && log.word(row + length) !== log.word(row)) return false;
  }
  return true;
}

function onlyReads(kind: AccessKind, a: number, found: number): boolean {
  if (kind === ACCESS.cas) return found !== a;
  return kind === ACCESS.load || kind === ACCESS.glance || kind === ACCESS.peek;
}
