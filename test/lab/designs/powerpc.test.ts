/** powerpc's rules and the mail's own, each with what only it does. */
import { describe, expect, it } from 'vitest';
import { geometryNamed } from '#src/core/pgtable/geometry.js';
import { designFits, designsFor, makeDesign, makeRule, rulesFor } from '#src/lab/designs/index.js';
import { PowerpcV61 } from '#src/lab/designs/linux/powerpc-6.1.js';
import { PowerpcV66 } from '#src/lab/designs/linux/powerpc-6.6.js';
import { Mail } from '#src/lab/designs/mail.js';

const MM = 0;
const [PTE, PMD] = [0, 1] as const;

function started<T extends { createMm(mm: number): void }>(rule: T): T {
  rule.createMm(MM);
  return rule;
}

describe('powerpc-6.1', () => {
  it('hands out fragments one behind the other, and none a second time', () => {
    const rule = started(new PowerpcV61([4, 2]));
    for (let table = 0; table < 3; table++) {
      rule.alloc(MM, PTE, table);
      rule.freeNow(MM, PTE, table);
    }
    expect(rule.describePage(0)).toBe('1');
    expect(rule.find(MM, PTE)).toEqual({ page: 0, index: 3 });
    rule.alloc(MM, PTE, 3);
    expect(rule.find(MM, PTE)).toBe('empty');
    rule.freeNow(MM, PTE, 3);
    expect(rule.counts).toMatchObject({ pages: [0, 0], fresh: [1, 0], reused: [3, 0] });
  });

  it('counts a table that is freed through RCU down when its grace period is over', () => {
    const rule = started(new PowerpcV61([1, 1]));
    rule.alloc(MM, PMD, 0);
    rule.free(MM, PMD, 0);
    expect(rule.counts.pages).toEqual([0, 1]);
    rule.end(0);
    expect(rule.counts.pages).toEqual([0, 0]);
  });

  it('keeps PTE and PMD tables in pages of their own', () => {
    const rule = started(new PowerpcV61([4, 2]));
    rule.alloc(MM, PTE, 0);
    rule.alloc(MM, PMD, 1);
    expect(rule.find(MM, PTE)).toEqual({ page: 0, index: 1 });
    expect(rule.find(MM, PMD)).toEqual({ page: 1, index: 1 });
  });

  it('gives the rest of the current page back at exit', () => {
    const rule = started(new PowerpcV61([4, 2]));
    rule.alloc(MM, PTE, 0);
    rule.alloc(MM, PTE, 1);
    rule.freeNow(MM, PTE, 1);
    rule.exitMm(MM);
    expect(rule.describePage(0)).toBe('1');
    rule.freeNow(MM, PTE, 0);
    expect(rule.counts.pages).toEqual([0, 0]);
  });

  it('lets the loser of the race for a fresh page waste all but one of its fragments', () => {
    const rule = started(new PowerpcV61([4, 2]));
    expect(rule.takeFresh(MM, PTE, 0, 10)).toBe(4);
    expect(rule.takeFresh(MM, PTE, 1, 11)).toBe(1);
    expect(rule.find(MM, PTE)).toEqual({ page: 10, index: 1 });
    rule.freeNow(MM, PTE, 1);
    expect(rule.describePage(11)).toBe('');
  });
});

describe('powerpc-6.6', () => {
  it('gives a page back after a grace period if a table in it was deferred', () => {
    const rule = started(new PowerpcV66([2, 2]));
    rule.alloc(MM, PTE, 0);
    rule.alloc(MM, PTE, 1);
    rule.defer(MM, PTE, 0);
    expect(rule.describePage(0)).toBe('1*');
    rule.freeNow(MM, PTE, 1);
    expect(rule.counts.pages).toEqual([1, 0]);
    rule.beginGrace();
    rule.endGrace();
    expect(rule.counts.pages).toEqual([0, 0]);
  });

  it('gives it back at once where the exit brings the count to 0', () => {
    const rule = started(new PowerpcV66([2, 2]));
    rule.alloc(MM, PTE, 0);
    rule.defer(MM, PTE, 0);
    rule.exitMm(MM);
    expect(rule.counts.pages).toEqual([0, 0]);
    expect(rule.wantsGrace()).toBe(false);
  });
});

describe('mail', () => {
  it('lets no free join: both halves of a page, freed together, wait twice', () => {
    const rule = started(new Mail([2, 2], 'gp'));
    rule.alloc(MM, PTE, 0);
    rule.alloc(MM, PTE, 1);
    rule.free(MM, PTE, 0);
    rule.free(MM, PTE, 1);
    const grace = (): void => {
      rule.beginGrace();
      rule.endGrace();
    };
    grace();
    expect(rule.counts.pages).toEqual([1, 0]);
    expect(rule.wantsGrace()).toBe(true);
    grace();
    expect(rule.counts).toMatchObject({ pages: [0, 0], callbacks: [2, 0] });
  });

  it('lists a page again from its callback, at the head, and hands out the lowest fragment', () => {
    const rule = started(new Mail([4, 2], 'recorded'));
    for (let table = 0; table < 5; table++) rule.alloc(MM, PTE, table);
    rule.free(MM, PTE, 2);
    rule.free(MM, PTE, 1);
    rule.end(2);
    rule.settle();
    rule.alloc(MM, PTE, 5);
    expect(rule.counts.fresh[0]).toBe(2);
    rule.end(1);
    rule.settle();
    // Fragment 2 went to table 5; the page was listed for fragment 1 before it was full again.
    for (let table = 6; table < 9; table++) rule.alloc(MM, PTE, table);
    expect(rule.counts).toMatchObject({ pages: [2, 0], fresh: [2, 0], reused: [7, 0] });
    expect(rule.finish()).toEqual([]);
  });

  it('runs again at once where what waited for the next grace period has ended, too', () => {
    const rule = started(new Mail([2, 2], 'recorded'));
    rule.alloc(MM, PTE, 0);
    rule.alloc(MM, PTE, 1);
    rule.free(MM, PTE, 0);
    rule.freeNow(MM, PTE, 1);
    rule.end(1);
    rule.settle();
    expect(rule.counts.pages).toEqual([1, 0]);
    rule.end(0);
    rule.settle();
    expect(rule.counts).toMatchObject({ pages: [0, 0], callbacks: [2, 0] });
  });
});

describe('the designs by name', () => {
  const s390 = geometryNamed('s390');
  const hash = geometryNamed('powerpc-hash-64k');

  it('are those of the architecture, and those that fit any', () => {
    const rules = ['s390-6.1', 's390-6.6', 's390-6.7'];
    const cores = ['common', 'common-A', 'common-Y'];
    expect(designsFor(s390)).toEqual([...cores, 'mail', ...rules, 'whole-page']);
    const radix = designsFor(geometryNamed('powerpc-radix-64k'));
    expect(radix.slice(0, 3)).toEqual(['common', 'common-A', 'mail']);
    expect(rulesFor(hash)).toEqual(['powerpc-6.1', 'powerpc-6.6']);
    for (const geometry of [s390, hash]) {
      for (const name of designsFor(geometry)) {
        expect(makeDesign(name, geometry, 'mm', 'gp').name).toBe(name);
      }
      for (const name of rulesFor(geometry)) expect(makeRule(name, geometry).name).toBe(name);
    }
  });

  it('are refused for another architecture, and by a name that is none', () => {
    expect(designFits('s390-6.1', hash)).toBe(false);
    expect(() => makeDesign('s390-6.1', hash, 'mm', 'gp')).toThrow('no rule for powerpc-hash-64k');
    expect(() => makeDesign('toString', hash, 'mm', 'gp')).toThrow('no design toString');
    expect(() => makeRule('mail', hash)).toThrow('no rule of a kernel mail');
  });
});
