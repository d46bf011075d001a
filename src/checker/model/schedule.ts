/**
 * A schedule as one string that can be pasted: which thread makes each step, and a mark of what
 * the steps were, so that a schedule for other code is noticed.
 *
 *   0x5.1x2.0~9f3a      thread 0 five times, thread 1 twice, thread 0 once
 *   ~811c               no step: it fails before anybody's first
 */
import { UsageError } from '../../core/base/errors.js';
import { refusal } from '../../core/base/shown.js';
import type { Step } from './explore.js';

const RUN = /^([0-9]+)(?:x([0-9]+))?$/;

/** FNV-1a over what each step was. */
export function markOf(steps: readonly Step[]): string {
  let hash = 0x811c9dc5;
  for (const { thread, access } of steps) {
    for (const part of [thread, access?.kind ?? -1, access?.word ?? -1]) {
      hash = Math.imul(hash ^ (part & 0xffff), 0x01000193);
    }
  }
  return (hash >>> 16).toString(16).padStart(4, '0');
}

export function formatSchedule(steps: readonly Step[]): string {
  const runs: string[] = [];
  let at = 0;
  while (at < steps.length) {
    const { thread } = steps[at] as Step;
    let count = 1;
    while (steps[at + count]?.thread === thread) count++;
    runs.push(count === 1 ? `${thread}` : `${thread}x${count}`);
    at += count;
  }
  return `${runs.join('.')}~${markOf(steps)}`;
}

export interface Schedule {
  readonly threads: readonly number[];
  readonly mark: string;
}

/** Reads a schedule. Throws `UsageError` for anything else. */
export function parseSchedule(text: string): Schedule {
  if (typeof text !== 'string') throw refusal('bad-schedule', 'schedule', text, 'it is a text');
  const [runs = '', mark = '', ...rest] = text.split('~');
  const threads: number[] = [];
  const parts = runs === '' ? [] : runs.split('.');
  const parsed = parts.map((part) => RUN.exec(part));
  const wrong = parsed.indexOf(null);
  if (wrong >= 0 || rest.length > 0 || !/^[0-9a-f]{4}$/.test(mark)) {
    const what = wrong >= 0 ? `"${parts[wrong]}"` : `"${text}"`;
    throw new UsageError('bad-schedule', `${what} is no schedule; expected like 0x5.1x2.0~9f3a`);
  }
  for (const match of parsed) {
    const count = Number(match?.[2] ?? 1);
    if (threads.length + count > 1e6) throw new UsageError('bad-schedule', 'over a million steps');
    for (let i = 0; i < count; i++) threads.push(Number(match?.[1]));
  }
  return { threads, mark };
}
