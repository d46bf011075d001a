/**
 * A heap of which another program has written a word (P12): whatever that says, what is asked ends,
 * and with violations, a result or an error of ours.
 */
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { attach, createHeap } from '#src/api/index.js';
import { HEAP } from '#src/core/mem/layout.js';
import { LONG } from '../support/long.js';

/** A call that takes as long has no end: the longest waits take milliseconds. */
const LIMIT_MS = 20_000;

interface Damage {
  /** What is called: a group of damage.mjs. */
  readonly group: string;
  readonly debug: boolean;
  /** One of so many calls is made, and in pages, of which most words hold the same, of these. */
  readonly share: number;
  readonly pagesShare: number;
}

interface Outcome {
  readonly calls: number;
  readonly words: number;
  readonly faults: readonly string[];
}

/** Runs damage.mjs to its end, or to a call that has none. */
async function damage(facts: Damage, limitMs: number = LIMIT_MS): Promise<Outcome> {
  const at = new Int32Array(new SharedArrayBuffer(16));
  const url = new URL('../support/damage.mjs', import.meta.url);
  const worker = new Worker(url, { workerData: { ...facts, at } });
  let watch: NodeJS.Timeout | undefined;
  try {
    return await new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
      let [seen, since] = [-1, performance.now()];
      watch = setInterval(() => {
        const [calls = 0, word, value, number] = at;
        if (calls !== seen) [seen, since] = [calls, performance.now()];
        else if (performance.now() - since > limitMs) {
          reject(new Error(`no end: call ${number} of ${facts.group}, word ${word} = ${value}`));
        }
      }, 50);
    });
  } finally {
    clearInterval(watch);
    await worker.terminate();
  }
}

/** One of so many calls is made: in `npm test`, and in the long run. */
const SHARES: readonly (readonly [group: string, debug: boolean, share: number, long: number])[] = [
  ['reports', false, 4, 1],
  ['operations', false, 10, 1],
  ['spaces', false, 60, 30],
  ['reports', true, 20, 10],
  ['operations', true, 40, 20],
];

/** Of the long run, on a machine that does other things too. */
const LONGEST_MS = 3_600_000;

describe('in a heap of which a word was damaged', () => {
  it.each(SHARES)(
    '%s end, debug: %s',
    async (group, debug, share, long) => {
      const shares = LONG ? { share: long, pagesShare: 1 } : { share, pagesShare: 40 };
      const { calls, words, faults } = await damage({ group, debug, ...shares });
      expect(faults.slice(0, 20)).toEqual([]);
      expect(calls).toBeGreaterThan(LONG ? words : 3000);
    },
    LONGEST_MS,
  );

  it('a rule that is none is not named', () => {
    const { buffer } = createHeap({ pages: 2 });
    const [thread, other] = [attach(buffer), attach(buffer)];
    new Int32Array(buffer)[HEAP.BROKEN] = -1;
    expect(thread.check()).toEqual([
      { rule: 'P12', detail: expect.stringMatching(/^BROKEN is -1; it can be 0 to \d+$/) },
    ]);
    expect(() => other.synchronize()).toThrow(
      expect.objectContaining({ code: 'broken-rule', rule: 'P12' }),
    );
  });
});

describe('who watches', () => {
  const facts = { debug: false, share: 500, pagesShare: 1 };

  it('sees what has no end', async () => {
    await expect(damage({ ...facts, group: 'endless' }, 200)).rejects.toThrow(
      'no end: call 0 of endless',
    );
  });

  it.each([
    ['raw', /threw RangeError/],
    ['misnamed', /found rule P-1 broken/],
  ])('sees what is %s', async (group, says) => {
    const { faults } = await damage({ ...facts, group });
    expect(faults[0]).toMatch(says);
  });
});
