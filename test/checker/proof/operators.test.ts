/** What is done to a built module: each operator on a small text, and what each leaves alone. */
import { parseSync } from 'oxc-parser';
import { describe, expect, it } from 'vitest';
import { coreModules } from '../../../scripts/mutants/build.mjs';
import { mutantsOf, OPERATORS } from '../../../scripts/mutants/operators.mjs';

/** The body of a function with each mutant in it, by operator. */
function mutated(body: string, operator: string): string[] {
  const before = 'function f(mem, a, b) { ';
  const text = `${before}${body} }`;
  return mutantsOf(text)
    .filter((mutant) => mutant.operator === operator)
    .map(({ start, end, replacement }) => text.slice(0, start) + replacement + text.slice(end))
    .map((changed) => changed.slice(before.length, -2));
}

type Case = readonly [operator: string, body: string, mutants: readonly string[]];

const CASES: readonly Case[] = [
  ['write', 'mem.store(a, 1);', [';']],
  ['write', 'heap.mem.poke(a, 1);', [';']],
  ['write', 'if (mem.cas(a, 0, 1) !== 0) g();', ['if (mem.load(a) !== 0) g();']],
  ['write', 'return mem.load(a);', []],
  ['write', 'set.add(a);', []],
  [
    'torn',
    'const x = mem.cas(a, 0, 1);',
    ['const x = ((found) => (found === (0) ? (mem.store(a, 1), found) : found))(mem.load(a));'],
  ],
  ['torn', 'mem.add(a, -1);', ['((found) => (mem.store(a, found + (-1)), found))(mem.load(a));']],
  ['torn', 'mem.store(a, 1);', []],
  [
    'plain',
    'mem.store(a, mem.load(b));',
    ['mem.poke(a, mem.load(b));', 'mem.store(a, mem.peek(b));'],
  ],
  ['plain', 'return mem.peek(a);', []],
  ['notify', 'mem.notify(a);', [';']],
  ['wait', 'mem.awaitChange(a, 1);', [';']],
  ['wait', 'const over = mem.awaitChange(a, 1);', ['const over = false;']],
  ['lock', 'acquire(t, a);', [';']],
  ['lock', 'if (!acquireWithin(t, a, 5)) return;', ['if (!true) return;']],
  ['lock', 'release(t, a);', [';']],
  ['section', 'enterBriefly(t);', [';']],
  ['flush', 'flush(space);', [';']],
  ['liveness', 'return isLive(mem, a, b);', ['return true;', 'return false;']],
  ['liveness', 'return mmOf(a);', []],
  ['call', 'callRcu(t, a, 1);', [';']],
  ['call', 'found.push(a);', []],
  ['assign', 'a = b;', [';']],
  ['swap', 'mem.store(a, 1); mem.store(b, 1);', ['mem.store(b, 1); mem.store(a, 1);']],
  ['swap', 'mem.poke(a, 1); mem.store(b, 1);', ['mem.store(b, 1); mem.poke(a, 1);']],
  ['swap', 'mem.poke(a, 1); mem.poke(b, 1);', []],
  ['swap', 'const x = mem.load(a); mem.store(b, x);', []],
  ['swap', 'if (a) return; mem.store(b, 1);', []],
  ['guard', 'if (a) return; g();', ['if (false) return; g();']],
  ['guard', 'for (;;) { if (a) { g(); break; } }', ['for (;;) { if (false) { g(); break; } }']],
  ['refusal', 'if (a) throw new Error("a");', ['if (false) throw new Error("a");']],
  ['refusal', 'if (a) return breakRule(b, 1);', ['if (false) return breakRule(b, 1);']],
  ['branch', 'if (a) g();', ['if (false) g();']],
  ['always', 'if (a) g();', ['if (true) g();']],
  ['always', 'if (a) throw b;', []],
  ['negate', 'while (a) g();', ['while (!(a)) g();']],
  ['negate', 'return a ? 1 : 2;', ['return !(a) ? 1 : 2;']],
  ['negate', 'for (;;) g();', []],
  ['operand', 'return a && (b || c);', ['return (a);', 'return (b || c);', 'return a && ((b));']],
  ['operand', 'return a ?? b;', []],
  ['bound', 'return a < b;', ['return a <= b;']],
  ['bound', 'return a === b;', []],
  ['number', 'return a << 1;', ['return a << 2;', 'return a << 0;']],
  ['number', 'return a + 0;', ['return a + 1;']],
  ['number', 'return a === 1;', []],
];

describe('operators', () => {
  it.each(CASES)('%s: %s', (operator, body, mutants) => {
    expect(mutated(body, operator)).toEqual(expect.arrayContaining([...mutants]));
    if (mutants.length === 0) expect(mutated(body, operator)).toEqual([]);
  });

  it('are all tried here', () => {
    expect(new Set(CASES.map(([operator]) => operator))).toEqual(new Set(Object.keys(OPERATORS)));
  });

  it('change nothing at module scope, and no text', () => {
    expect(mutantsOf('const a = 1 << 2; mem.store(a, 1);')).toEqual([]);
    expect(mutated('throw new Error(a < b);', 'bound')).toEqual([]);
    expect(mutated('const m = `${a < b}`;', 'bound')).toEqual([]);
    expect(mutantsOf('function sayFreedBy(mem) { if (mem.load(1) < 2) return 3; }')).toEqual([]);
  });
});

describe('mutants of the core', () => {
  it('each parse, and differ from the code and from each other', () => {
    for (const [file, text] of coreModules()) {
      const mutants = mutantsOf(text);
      const changed = mutants.map(
        ({ start, end, replacement }) => text.slice(0, start) + replacement + text.slice(end),
      );
      expect(new Set([...changed, text]).size, file).toBe(mutants.length + 1);
      for (const each of changed) expect(parseSync('module.js', each).errors, file).toEqual([]);
    }
  });

  it('are of every operator', () => {
    const found = [...coreModules().values()].flatMap(mutantsOf).map(({ operator }) => operator);
    expect(new Set(found)).toEqual(new Set(Object.keys(OPERATORS)));
  });
});
