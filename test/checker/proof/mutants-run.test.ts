/** The run of the mutants that operators make: what is kept of it, and that it goes on. */
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { markOfBuild } from '#src/checker/check/plant.js';
import { CATALOGUE } from '#src/checker/proof/catalogue.js';
import { coreModules } from '../../../scripts/mutants/build.mjs';
import { ran, ranOf } from '../../../scripts/mutants/coverage.mjs';
import { EQUIVALENT, whyEquivalent } from '../../../scripts/mutants/equivalent.mjs';
import { labelOf } from '../../../scripts/mutants/label.mjs';
import { mutantsOf } from '../../../scripts/mutants/operators.mjs';
import { planOf } from '../../../scripts/mutants/plan.mjs';
import { changeOf, keyOf, Results } from '../../../scripts/mutants/results.mjs';
import { testsOf } from '../../../scripts/mutants/tests.mjs';
import { LONG } from '../../support/long.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ptfrag-results-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const file = 'core/mem/lock.js';
const MUTANT = { file, start: 1, end: 2, replacement: ';' };
const line = (end: string, change: string, key: string): object => ({
  ...{ kind: 'mutant', key, change, operator: 'write', place: 'a.ts:1', end },
  ...{ by: null, rule: null, seconds: 1, stepsMax: 10 },
});

describe('coverage', () => {
  const block = (startOffset: number, endOffset: number, count: number): object => ({
    ranges: [{ startOffset, endOffset, count }],
  });

  it('is that of the innermost block', () => {
    const edges = ranOf([block(0, 100, 1), block(10, 50, 0), block(20, 30, 2), block(50, 60, 3)]);
    expect(edges).toEqual([0, 10, 20, 30, 50, 100]);
    const places = [0, 9, 10, 19, 20, 29, 30, 49, 50, 99, 100];
    expect(places.filter((place) => ran(edges, place))).toEqual([0, 9, 20, 29, 50, 99]);
  });

  it('chooses scenarios that run the place: who found it before, then the cheapest', () => {
    const scenario = (name: string, steps: number, covered: number[]): object => ({
      ...{ name, steps, seconds: 1 },
      covered: { [file]: covered },
    });
    const all = [scenario('a', 30, [0, 9]), scenario('b', 10, [0, 1]), scenario('c', 20, [1, 2])];
    const names = (options: object): string[] =>
      planOf(MUTANT, all, { stepsMax: 100, ...options }).map(({ name }) => name);
    expect(names({})).toEqual(['c', 'a']);
    expect(names({ foundBy: 'a' })).toEqual(['a', 'c']);
    expect(names({ stepsMax: 20 })).toEqual(['c']);
  });
});

describe('tests of a module', () => {
  it('are those of its room, which there are', () => {
    expect(testsOf('core/pgtable/formats/s390.js')).toBe('test/core/pgtable');
    for (const module of coreModules().keys()) {
      expect(existsSync(join(ROOT, testsOf(module))), module).toBe(true);
    }
  });
});

describe('results', () => {
  const change = changeOf(MUTANT, 'text');

  it('are found again, but for half a line', () => {
    const path = join(folder, 'again.jsonl');
    const first = new Results(path, 'one');
    first.add(line('killed', change, keyOf('one', change)));
    appendFileSync(path, '{"kind":"mut');
    const { mutants } = new Results(path, 'one');
    expect([...mutants.keys()]).toEqual([keyOf('one', change)]);
  });

  it('of another build are only what happened before', () => {
    const path = join(folder, 'other.jsonl');
    new Results(path, 'one').add(line('killed', change, keyOf('one', change)));
    const { mutants, before } = new Results(path, 'two');
    expect(mutants.size).toBe(0);
    expect(before.get(change)?.end).toBe('killed');
    expect(changeOf(MUTANT, 'another text')).not.toBe(change);
  });
});

describe('changes that make no difference', () => {
  const labels = [...coreModules()].flatMap(([module, text]) =>
    mutantsOf(text).map((mutant) =>
      labelOf({ ...mutant, file: module, text: text.slice(mutant.start, mutant.end) }),
    ),
  );

  it('are changes that there are, each named once', () => {
    const named = EQUIVALENT.flatMap(({ what }) => what);
    expect(named.filter((begin) => !labels.some((label) => label.startsWith(begin)))).toEqual([]);
    expect(new Set(named).size).toBe(named.length);
  });

  it('are known by module, function, operator and text', () => {
    const mutant = { file: 'core/mem/lock.js', within: 'acquireSlowly', operator: 'write' };
    const text = 'mem.store(sleepsFor, // why\n lock);';
    expect(labelOf({ ...mutant, text, replacement: ';' })).toBe(
      'mem/lock acquireSlowly write mem.store(sleepsFor, lock); -> ;',
    );
    expect(whyEquivalent({ ...mutant, text, replacement: ';' })).toContain('reports');
    expect(whyEquivalent({ ...mutant, text: 'mem.cas(lock)', replacement: ';' })).toBeNull();
  });
});

/** Each of them starts the tool, and reads the whole core, some times over. */
describe('npm run mutants', () => {
  const SCENARIO = 'reader-vs-grace+callback-qsbr';

  /** A results file that says: only one scenario runs anything, and that all of one module. */
  function results(name: string): string {
    const path = join(folder, name);
    const covered = { 'core/rcu/grace-period.js': [0, 1e6] };
    const common = CATALOGUE.filter(({ design = 'common' }) => design === 'common');
    const lines = common.map((scenario) => ({
      ...{ build: markOfBuild(), kind: 'coverage', name: scenario.name, verdict: 'holds' },
      ...{ by: null, steps: 1000, executions: 1, seconds: 1 },
      covered: scenario.name === SCENARIO ? covered : {},
    }));
    writeFileSync(path, lines.map((each) => `${JSON.stringify(each)}\n`).join(''));
    return path;
  }

  function run(path: string, ...args: string[]): string {
    const whole = ['scripts/mutants.mjs', '--results', path, '--jobs', '1', ...args];
    const { stdout, stderr } = spawnSync(process.execPath, whole, { cwd: ROOT, encoding: 'utf8' });
    expect(stderr).toBe('');
    return stdout;
  }

  const count = (path: string): number => readFileSync(path, 'utf8').split('\n').length - 1;

  it('runs each mutant once, says what survived, and begins nothing anew', () => {
    const path = results('run.jsonl');
    const begun = count(path);
    const said = run(path, '--only', 'write core/rcu/grace-period');
    expect(count(path)).toBe(begun + 2);
    expect(said).toMatch(/^write +2 +0 +0 +0 +0 +100 %$/m);
    expect(run(path, '--only', 'write core/rcu/grace-period')).toBe(said);
    expect(count(path)).toBe(begun + 2);
  });

  it.runIf(LONG)('tells a survivor by place, operator and text', () => {
    const path = results('survivor.jsonl');
    const only = 'number core/rcu/grace-period';
    const said = run(path, '--only', only);
    expect(said).toMatch(/core\/rcu\/grace-period\.ts:\d+ isBefore {2}number {2}1 {2}-> {2}2/);
    const survived = (text: string): unknown => /^number +\d+ +(\d+) /m.exec(text)?.[1];
    expect(Number(survived(said))).toBeGreaterThan(0);
    expect(survived(run(path, '--survivors', '--list', '--only', only))).toBe(survived(said));
  });

  it.runIf(LONG)('has nothing to say of what no scenario runs', () => {
    const path = results('unreached.jsonl');
    expect(run(path, '--only', 'flush core/')).toMatch(/^flush +0 +0 +0 +\d+ +0 +$/m);
  });

  it.runIf(LONG)('shares mutants out, each to one shard', () => {
    const path = results('shard.jsonl');
    const opens = (shard: string): number => {
      const said = run(path, '--list', '--shard', shard, '--only', 'core/rcu/grace');
      return Number(/^ {28} +0 +0 +0 +0 +(\d+)/m.exec(said)?.[1]);
    };
    expect(opens('1/3') + opens('2/3') + opens('3/3')).toBe(opens('1/1'));
  });
});
