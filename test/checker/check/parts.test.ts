/** A scenario that several threads explore: each a part, and together all of it. */
import { describe, expect, it } from 'vitest';
import type { CheckDocument, ScenarioRow } from '#src/checker/check/document.js';
import { joinParts } from '#src/checker/check/parts.js';
import type { CheckAnswer } from '#src/checker/check/worker.js';
import { check, type Scenario } from '#src/checker/model/index.js';
import { documentIn, ptfrag } from '../../fixtures/command.js';

/** Three threads that store in one word and see each other. */
const scenario: Scenario = {
  name: 'three',
  words: 1,
  threads: 3,
  rules: [],
  about: '',
  mustSee: ['012', '210'],
  setup: ({ memory, see }) => ({
    threads: [0, 1, 2].map((thread) => [(): number => memory.exchange(0, thread + 1)]),
    atEnd: (results) => {
      const before = results.flat() as number[];
      const order: number[] = [];
      for (let last = 0; order.length < 3; last = (order.at(-1) as number) + 1) {
        order.push(before.indexOf(last));
      }
      see(order.join(''));
      return undefined;
    },
  }),
};

function answers(count: number, of: Scenario): [CheckAnswer, ...CheckAnswer[]] {
  return Array.from({ length: count }, (_, index) => ({
    ...check(of, { part: { index, count } }),
    design: 'common',
    rules: [],
    seconds: index,
  })) as unknown as [CheckAnswer, ...CheckAnswer[]];
}

describe('the parts of a scenario', () => {
  it.each([1, 2, 3, 7])('%i of them are all of it', (count) => {
    const whole = check(scenario);
    const joined = joinParts(answers(count, scenario));
    const { executions, mustSee, verdict, complete, failure } = whole;
    expect(joined).toMatchObject({ executions, mustSee, verdict, complete, failure });
    expect(joined.seconds).toBe(count - 1);
  });

  it('that saw too little together are vacuous, as one that did', () => {
    const blind = { ...scenario, mustSee: ['012', 'never'] };
    const joined = joinParts(answers(3, blind));
    expect(joined).toMatchObject({ verdict: 'violated', mustSee: { missing: ['never'] } });
    expect(joined.failure).toEqual(check(blind).failure);
  });

  it('of which one fails, or was cut, are as that one', () => {
    const [one, two, three] = answers(3, scenario) as [CheckAnswer, CheckAnswer, CheckAnswer];
    const cut: CheckAnswer = { ...two, verdict: 'inconclusive', complete: false, bound: '9 steps' };
    expect(joinParts([one, cut, three])).toMatchObject({
      verdict: 'inconclusive',
      bound: '9 steps',
    });
    const failure = check({ ...scenario, mustSee: ['never'] }).failure as never;
    const failed: CheckAnswer = { ...three, verdict: 'violated', failure };
    expect(joinParts([one, cut, failed])).toMatchObject({ verdict: 'violated', failure });
  });

  it('of which one has searched the states are as that one', () => {
    const spinning: Scenario = {
      ...scenario,
      mustSee: [],
      threads: 2,
      setup: ({ memory }) => {
        const pass = (): void => {
          while (memory.cas(0, 0, 1) !== 0);
          memory.store(0, 0);
        };
        return { threads: [[pass], [pass]] };
      },
    };
    const joined = joinParts(answers(2, spinning));
    expect(joined).toMatchObject({ verdict: 'holds', complete: true, states: 10, executions: 1 });
    const blind = joinParts(answers(2, { ...spinning, mustSee: ['never'] }));
    expect(blind.failure).toMatchObject({ rule: 'vacuous', detail: 'never seen: never' });
  });

  it.each([
    [{ index: 2, count: 2 }],
    [{ index: -1, count: 2 }],
    [{ index: 0, count: 0 }],
    [{ index: 0.5, count: 2 }],
    [{ index: 0 }],
    [1],
    [null],
  ])('%j is none', (part) => {
    expect(() => check(scenario, { part: part as never })).toThrow(/part is/);
  });

  it('are of mode exhaustive alone', () => {
    const part = { index: 0, count: 2 };
    expect(() => check(scenario, { part, mode: { kind: 'naive' } })).toThrow(
      /only mode exhaustive/,
    );
  });

  it('a large scenario of the catalogue has one for each thread', async () => {
    const rowBy = async (jobs: number): Promise<ScenarioRow | undefined> => {
      const line = ['check', 'alloc-vs-free-vs-callback+two-words', '--no-mutants', '--json'];
      const run = await ptfrag([...line, '--jobs', `${jobs}`]);
      return documentIn<CheckDocument>(run).scenarios[0];
    };
    const [one, two] = [await rowBy(1), await rowBy(2)];
    const { executions, mustSee, verdict } = one as ScenarioRow;
    expect(two).toMatchObject({ executions, mustSee, verdict, complete: true });
  });
});
