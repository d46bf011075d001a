/** s390's rules, step by step, in any history, and each with what only it does. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LinuxPage, LinuxRule } from '#src/lab/designs/linux/rule.js';
import { S390V61 } from '#src/lab/designs/linux/s390-6.1.js';
import { S390V66 } from '#src/lab/designs/linux/s390-6.6.js';
import { S390V67 } from '#src/lab/designs/linux/s390-6.7.js';

const MM = 0;
const PTE = 0;

/** What a step is, the list after it, and pages with their states. */
type Step = readonly [what: string, list: string, pages: string];

/**
 * Performs a step: `alloc t2=p1l` (and it must be put there), `free t3`, `free_rcu t2`, `defer t0`,
 * `callbacks` (a grace period passes). Returns what a step says, with pages as far as `like` names
 * them.
 */
function perform(
  rule: LinuxRule<LinuxPage>,
  what: string,
  like: string,
  released: string[],
): string {
  const [, operation, table = '', place] = /^(\w+)(?: t(\d+)(?:=(\w+))?)?$/.exec(what) ?? [];
  const number = Number(table);
  if (operation === 'alloc') {
    const found = rule.find(MM, PTE);
    const fresh = `p${rule.counts.fresh[0]}l`;
    const at = typeof found === 'string' ? fresh : `p${found.page}${'lu'[found.index]}`;
    expect(at, what).toBe(place);
    rule.alloc(MM, PTE, number);
  } else if (operation === 'free') {
    rule.freeNow(MM, PTE, number);
    rule.settled(number);
  } else if (operation === 'free_rcu') rule.free(MM, PTE, number);
  else if (operation === 'defer') rule.defer(MM, PTE, number);
  else {
    rule.beginGrace();
    rule.endGrace();
  }
  const list = rule.list(MM, PTE).map((page) => `p${page}`);
  const states = [...like.matchAll(/p(\d+)=/g)].map(([, page]) => {
    return `p${page}=${rule.describePage(Number(page)) || 'gone'}`;
  });
  return `${what} |${list.join(' ')}| ${[...states, ...released.splice(0)].join(' ')}`;
}

function checkSteps(rule: LinuxRule<LinuxPage>, steps: readonly Step[]): void {
  const released: string[] = [];
  rule.onRelease = (page): void => void released.push(`FREE(p${page})`);
  rule.createMm(MM);
  for (const [what, list, pages] of steps) {
    expect(perform(rule, what, pages, released)).toBe(`${what} |${list}| ${pages}`);
  }
  expect(rule.finish()).toEqual([]);
}

const FIRST_FIVE: readonly Step[] = [
  ['alloc t0=p0l', 'p0', 'p0=01'],
  ['alloc t1=p0u', '', 'p0=03'],
  ['alloc t2=p1l', 'p1', 'p1=01'],
  ['alloc t3=p1u', '', 'p1=03'],
  ['alloc t4=p2l', 'p2', 'p0=03 p1=03 p2=01'],
];

describe('s390-6.1', () => {
  it('does step by step what the kernel does', () => {
    checkSteps(new S390V61(), [
      ...FIRST_FIVE,
      ['free_rcu t0', 'p2 p0', 'p0=12'],
      ['alloc t5=p2u', 'p0', 'p0=12 p1=03 p2=03'],
      ['free t3', 'p1 p0', 'p0=12 p1=01 p2=03'],
      ['alloc t6=p1u', 'p0', 'p1=03'],
      ['free_rcu t2', 'p0 p1', 'p0=12 p1=12 p2=03'],
      ['free t6', 'p0', 'p1=10'],
      ['callbacks', 'p0', 'p0=02 p1=gone FREE(p1)'],
      ['alloc t7=p0l', '', 'p0=03'],
      ['alloc t8=p3l', 'p3', 'p3=01'],
      ['free t1', 'p0 p3', 'p0=01'],
    ]);
  });

  it('takes a fresh page behind a pending head, though a later page is usable', () => {
    checkSteps(new S390V61(), [
      ...FIRST_FIVE,
      ['free t4', '', 'p2=gone FREE(p2)'],
      ['free_rcu t0', 'p0', 'p0=12'],
      ['free_rcu t2', 'p0 p1', 'p0=12 p1=12'],
      ['alloc t5=p3l', 'p3 p0 p1', 'p3=01'],
      ['alloc t6=p3u', 'p0 p1', 'p3=03'],
    ]);
    const rule = new S390V61();
    rule.createMm(MM);
    for (let table = 0; table < 4; table++) rule.alloc(MM, PTE, table);
    rule.free(MM, PTE, 0);
    rule.free(MM, PTE, 2);
    rule.end(2);
    expect(rule.list(MM)).toEqual([0, 1]);
    expect(rule.describePage(1)).toBe('02');
    expect(rule.find(MM)).toBe('pending');
  });

  it('blocks an allocation between the two halves of a free at once', () => {
    const rule = new S390V61();
    rule.createMm(MM);
    rule.alloc(MM, PTE, 0);
    rule.alloc(MM, PTE, 1);
    rule.freeNow(MM, PTE, 1);
    expect(rule.find(MM)).toBe('pending');
    rule.settled(1);
    expect(rule.find(MM)).toEqual({ page: 0, index: 1 });
  });

  it('lists both pages when two allocations find nothing', () => {
    const rule = new S390V61();
    rule.createMm(MM);
    rule.takeFresh(MM, PTE, 0, 10);
    rule.takeFresh(MM, PTE, 1, 11);
    expect(rule.list(MM)).toEqual([11, 10]);
    expect(rule.ends(MM)).toEqual([11, 10]);
  });
});

describe('s390-6.6', () => {
  const steps: readonly Step[] = [
    ['defer t0', 'p2', 'p0=02*'],
    ['alloc t5=p2u', '', 'p0=02* p2=03'],
    ['free_rcu t2', 'p1', 'p1=12'],
    ['defer t4', 'p1', 'p2=02*'],
    ['callbacks', 'p1', 'p1=02'],
    ['alloc t6=p1l', '', 'p1=03'],
    ['free_rcu t1', '', 'p0=20*'],
    ['callbacks', '', 'p0=00'],
    ['callbacks', '', 'p0=gone FREE(p0)'],
    ['alloc t7=p3l', 'p3', 'p3=01'],
    ['free_rcu t5', 'p3', 'p2=20*'],
    ['defer t3', 'p3', 'p1=01*'],
    ['callbacks', 'p3', 'p2=00'],
    ['callbacks', 'p3', 'p2=gone FREE(p2)'],
  ];

  it('does step by step what the kernel does: a deferred free ends the sharing', () => {
    checkSteps(new S390V66(), [...FIRST_FIVE, ...steps]);
  });

  it('queues nothing for a deferred free while the other half is in use', () => {
    const rule = new S390V66();
    rule.createMm(MM);
    rule.alloc(MM, PTE, 0);
    rule.alloc(MM, PTE, 1);
    rule.defer(MM, PTE, 0);
    expect(rule.wantsGrace()).toBe(false);
    rule.freeNow(MM, PTE, 1);
    rule.settled(1);
    expect(rule.wantsGrace()).toBe(true);
    expect(rule.counts.pages).toEqual([1, 0]);
    rule.settle();
    expect(rule.counts.pages).toEqual([0, 0]);
  });
});

describe('s390-6.7', () => {
  it('gives every table a page, and takes it back at once or after a grace period', () => {
    const rule = new S390V67();
    rule.createMm(MM);
    for (let table = 0; table < 4; table++) rule.alloc(MM, PTE, table);
    expect(rule.counts).toMatchObject({ pages: [4, 0], fresh: [4, 0], reused: [0, 0] });
    rule.freeNow(MM, PTE, 0);
    expect(rule.counts.pages[0]).toBe(3);
    rule.free(MM, PTE, 1);
    rule.defer(MM, PTE, 2);
    expect(rule.counts.pages[0]).toBe(3);
    rule.beginGrace();
    rule.endGrace();
    expect(rule.counts.pages[0]).toBe(1);
    expect(rule.finish()).toEqual([]);
  });
});

describe('in every history', () => {
  type Act = 'alloc' | 'free' | 'rcu' | 'defer' | 'grace';
  const acts = (...names: Act[]): fc.Arbitrary<[Act, number][]> =>
    fc.array(fc.tuple(fc.constantFrom(...names), fc.nat()), { minLength: 20, maxLength: 200 });

  /** Performs acts on random live tables; `check` after each. Returns pages left at the end. */
  function run(rule: S390V61, history: [Act, number][], check: (held: number[]) => void): void {
    rule.createMm(MM);
    const live: number[] = [];
    const held = new Set<number>();
    rule.onRelease = (page): void => expect(held.delete(page)).toBe(true);
    for (const [position, [act, choice]] of history.entries()) {
      const [table] =
        act === 'alloc' || act === 'grace' ? [] : live.splice(choice % live.length, 1);
      if (act === 'alloc') {
        if (typeof rule.find(MM) === 'string') held.add(rule.counts.fresh[0]);
        rule.alloc(MM, PTE, position);
        live.push(position);
      } else if (act === 'grace') {
        rule.beginGrace();
        rule.endGrace();
      } else if (table === undefined) continue;
      else if (act === 'defer') rule.defer(MM, PTE, table);
      else if (act === 'rcu') rule.free(MM, PTE, table);
      else if (rule.freeNow(MM, PTE, table)) rule.settled(table);
      check([...held]);
    }
    expect(rule.finish()).toEqual([]);
    expect(held.size).toBe(0);
  }

  it('6.1 lists a page exactly when one half is allocated, and S is legal', () => {
    fc.assert(
      fc.property(acts('alloc', 'alloc', 'free', 'rcu', 'grace'), (history) => {
        const rule = new S390V61();
        run(rule, history, (held) => {
          const states = held.map((page) => [page, rule.describePage(page)] as const);
          for (const [, state] of states) expect('01 02 03 10 20 30 12 21').toContain(state);
          const half = states.filter(([, state]) => '12'.includes(state[1] as string));
          expect(rule.list(MM).sort()).toEqual(half.map(([page]) => page).sort());
        });
      }),
    );
  });

  it('6.6 lists no page in which a table was deferred', () => {
    fc.assert(
      fc.property(acts('alloc', 'alloc', 'free', 'rcu', 'defer', 'grace'), (history) => {
        const rule = new S390V66();
        run(rule, history, (held) => {
          const listed = held.filter((page) => /^[0-3][12]$/.test(rule.describePage(page)));
          expect(rule.list(MM).sort()).toEqual(listed.sort());
        });
      }),
    );
  });
});
