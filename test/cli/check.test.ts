/** `ptfrag check` and `ptfrag merge`: verdicts, documents, shards, and what is refused. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CheckDocument } from '#src/checker/check/document.js';
import { mergeFiles } from '#src/checker/check/merge.js';
import { runCheck } from '#src/checker/check/run.js';
import type { Scenario } from '#src/checker/model/scenario.js';
import { CATALOGUE } from '#src/checker/proof/catalogue.js';
import { MUTANTS } from '#src/checker/proof/mutants.js';
import {
  type AnyDocument,
  documentIn,
  type Finished,
  keyPaths,
  ptfrag,
  ptfragProcess,
} from '../fixtures/command.js';
import { ANNOUNCE, signalAfter } from '../fixtures/signals.js';
import { TraceFolder } from '../fixtures/trace-files.js';
import { BrokenBuild, mutantNamed } from '../support/build.js';

const SMALL = CATALOGUE.filter(({ large }) => large !== true);

/** Explored in no time; one of them has two mutants. */
const [ONE, OTHER] = ['take-vs-take+one-block', 'return-vs-return+buddies'] as const;
const BIG = 'three-holders+one-lock';

/** What a command prints that could not begin. */
const FAILED = { schema: 1, command: 'check', error: { message: 'no such scenario' } };

const mutantsOf = (...scenarios: string[]): string[] =>
  MUTANTS.filter(({ scenario }) => scenarios.includes(scenario)).map(({ name }) => name);

const namesOf = (rows: readonly { readonly name: string }[]): string[] =>
  rows.map(({ name }) => name);

const check = (line: string): Promise<Finished> => ptfrag(['check', ...line.split(' ')]);

async function documentOf(line: string): Promise<CheckDocument & AnyDocument> {
  return documentIn<CheckDocument>(await check(`${line} --json`));
}

/** Of a failure; what is null somewhere is there both ways. */
const STEP = ['thread', 'verb', 'isPlain', 'count', 'word.name', 'word.number'];
const VALUES = ['value', 'expected', 'found'].flatMap((key) => [
  key,
  `${key}.number`,
  `${key}.text`,
]);
const FAILURE = [
  ...['rule', 'detail', 'thread', 'schedule', 'threads[]', 'brokenAt', 'againFrom', 'stack'],
  ...['word', 'word.name', 'word.number'],
  ...[...STEP, ...VALUES].map((key) => `steps[].${key}`),
];

describe('check', () => {
  it('prints a row a scenario and a row a mutant, and what was explored', async () => {
    const { status, stdout } = await check(`${OTHER} ${ONE}`);
    expect(status).toBe(0);
    const lines = stdout.split('\n');
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    const tables = lines.indexOf('');
    expect(lines[0]).toMatch(/^scenario +executions +steps +time +verdict$/);
    const rows = lines.slice(1, tables).map((line) => line.split(/ +/));
    expect(rows.map(([name]) => name).sort()).toEqual([OTHER, ONE].sort());
    for (const row of rows) expect(row.at(-1)).toBe('holds');
    expect(lines[tables + 1]).toMatch(/^mutant +caught by +steps +schedule$/);
    const mutants = lines.slice(tables + 2, lines.indexOf('', tables + 1));
    const names = mutants.map((line) => line.split(' ')[0]);
    expect(names.sort()).toEqual(mutantsOf(ONE, OTHER).sort());
    for (const line of mutants) expect(line).toMatch(/ \d+ {2}[\d.x]*~[0-9a-f]{4}$/);
    const all = `${names.length} of ${names.length} mutants`;
    const sum = `holds: 2 scenarios explored completely; .*; ${all} caught`;
    expect(stdout.replaceAll('\n', ' ')).toMatch(new RegExp(sum));
  });

  it('has a document, in the order of the question', async () => {
    const document = await documentOf(`${OTHER} ${ONE}`);
    const scenario = [
      'bound',
      'complete',
      'design',
      'dismissed',
      'executions',
      'failure',
      'mustSee.missing',
    ];
    scenario.push(
      'mustSee.seen[]',
      'name',
      'redundant',
      'replayed',
      'rules[]',
      'seconds',
      'states',
    );
    scenario.push('steps');
    const mutant = ['about', 'caught', 'complete', 'name', 'rule', 'scenario'];
    mutant.push('schedule', 'seconds', 'steps', ...FAILURE.map((key) => `failure.${key}`));
    const own = ['asked.mutants', 'asked.scenarios', 'build', 'command', 'missing', 'ok'];
    const options = [
      'design',
      'large',
      'mode.kind',
      'mutant',
      'mutants',
      'scenarios[]',
      'schedule',
    ];
    const expected = [
      ...own,
      ...[...options, 'stepsMax'].map((key) => `options.${key}`),
      ...[...scenario, 'verdict'].map((key) => `scenarios[].${key}`),
      ...mutant.map((key) => `mutants[].${key}`),
      ...['schema', 'shard', 'verdict'],
    ];
    expect(keyPaths(document)).toEqual(expected.sort());
    expect(document).toMatchObject({ schema: 1, command: 'check', verdict: 'holds', ok: true });
    expect(namesOf(document.scenarios)).toEqual([OTHER, ONE]);
    expect(namesOf(document.mutants)).toEqual(mutantsOf(ONE, OTHER));
    for (const { caught, steps, schedule } of document.mutants) {
      expect(caught).toBe(true);
      expect(schedule).toMatch(steps === 0 ? /^~/ : /^\d/);
    }
  });

  it('lists every scenario and mutant, with what it asks', async () => {
    const { status, stdout } = await check('--list');
    expect(status).toBe(0);
    const [scenarios = '', mutants = ''] = stdout.trimEnd().split('\n\n');
    expect(scenarios.split('\n')).toHaveLength(2 * CATALOGUE.length);
    for (const { name, about, rules, large } of CATALOGUE) {
      const text = `${name}${large ? '  (large)' : ''}\n  ${about}  ${rules.join(' ')}\n`;
      expect(`\n${scenarios}\n`).toContain(`\n${text}`);
    }
    expect(mutants.split('\n')).toHaveLength(2 * MUTANTS.length);
    for (const { name } of MUTANTS) expect(`\n${mutants}`).toContain(`\n${name}\n`);
  });

  it('lists what is named, as a document, too', async () => {
    const [scenario] = CATALOGUE.filter(({ name }) => name === ONE);
    const run = await check(`--list ${ONE} --json`);
    expect(run).toMatchObject({ status: 0, stderr: '' });
    const { scenarios, mutants, ...rest } = documentIn<CheckDocument>(run);
    expect(rest).toEqual({ schema: 1, command: 'check' });
    const { about, rules } = scenario as Scenario;
    expect(scenarios).toEqual([{ name: ONE, design: 'common', about, rules, large: false }]);
    expect(namesOf(mutants)).toEqual(mutantsOf(ONE));
    const variants = await documentOf('--list --design common-A --no-mutants');
    expect(variants.scenarios.length).toBeGreaterThan(0);
    expect(variants.scenarios.every(({ name }) => name.startsWith('A/'))).toBe(true);
    expect(variants.mutants).toEqual([]);
  });

  it('speaks KTAP', async () => {
    const { status, stdout } = await ptfragProcess(['check', ONE, BIG, '--steps', '100', '--ktap']);
    expect(status).toBe(3);
    const [version, plan, ...results] = stdout.trimEnd().split('\n');
    expect(version).toBe('KTAP version 1');
    expect(plan).toBe(`1..${results.length}`);
    expect(results).toHaveLength(2 + mutantsOf(ONE, BIG).length);
    results.forEach((line, at) => {
      expect(line).toMatch(new RegExp(`^ok ${at + 1} [\\w +-]+(?: # SKIP a bound was reached)?$`));
    });
    expect(results.filter((line) => line.includes('# SKIP'))).toEqual([
      `ok 2 ${BIG} # SKIP a bound was reached`,
    ]);
  });

  it('shows how a mutant is caught', async () => {
    const { status, stdout } = await check('--mutant lock-tests-then-sets');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^lock-tests-then-sets +race +\d+ {2}\S+~[0-9a-f]{4}$/m);
    expect(stdout).toContain('\nThe lock is tested by one access and taken by the next.\n\nrace: ');
    expect(stdout).toMatch(/^thread 0 +thread 1$/m);
  });
});

describe.concurrent('a bound', () => {
  it.each([
    ['--steps 100', 3, 'inconclusive', '100 steps'],
    ['--preemptions 1', 0, 'holds, bounded', '1 preemptions'],
    ['--random 20 --seed 7', 0, 'holds, bounded', '20 random executions, seed 7'],
    ['--pct 20 --depth 2', 0, 'holds, bounded', '20 executions, depth 2, seed 1'],
  ])('is said: %s', async (flags, status, word, bound) => {
    const run = await check(`${BIG} --no-mutants ${flags}`);
    expect(run.status).toBe(status);
    expect(run.stdout).toMatch(new RegExp(`^${BIG.replace('+', '\\+')} .* {2}${word}$`, 'm'));
    expect(run.stdout.replaceAll('\n', ' ')).toContain(`1 scenario explored up to ${bound}; `);
    if (status === 3) expect(run.stderr).toMatch(/^again: .* check /m);
  });
});

describe('a mutant that no longer applies', () => {
  const gone = new BrokenBuild({
    ...mutantNamed('lock-tests-then-sets'),
    file: 'checker/proof/mutants/mem.js',
    find: "replace: 'const pfn = takeBlock(thread, order);',",
    replace: "replace: '', find: 'a text that is not there',",
  });
  afterAll(() => gone.remove());

  it('is a row that says so; scenarios and other mutants are explored', async () => {
    const run = await ptfragProcess(['check', OTHER, ONE, '--json'], { main: gone.main });
    const { verdict, scenarios, mutants } = documentIn<CheckDocument>(run);
    expect([run.status, verdict]).toEqual([1, 'violated']);
    expect(scenarios.map((row) => row.verdict)).toEqual(['holds', 'holds']);
    const stale = mutants.filter(({ rule }) => rule === 'mutant');
    expect(stale.map(({ name, caught }) => [name, caught])).toEqual([
      ['supply-takes-unlocked', false],
    ]);
    const others = mutants.filter(({ rule }) => rule !== 'mutant');
    expect(others.length).toBeGreaterThan(0);
    expect(others.every(({ caught }) => caught)).toBe(true);
    const { stdout } = await ptfragProcess(['check', OTHER, ONE], { main: gone.main });
    expect(stdout).toMatch(/^supply-takes-unlocked +does not apply$/m);
    expect(stdout).toContain(
      '\nmutant supply-takes-unlocked does not apply: its text occurs 0 times',
    );
  });
});

describe('a schedule', () => {
  const broken = new BrokenBuild(mutantNamed('callback-never-lists'));
  const scenario = 'alloc-vs-free+out-of-pages';
  let run: Finished;
  let replay: readonly string[] = [];

  beforeAll(async () => {
    run = await ptfragProcess(['check', scenario, '--no-mutants'], { main: broken.main });
    const [, line = ''] = /^replay {4}ptfrag (.*)$/m.exec(run.stdout) ?? [];
    replay = line.split(' ');
  });
  afterAll(() => broken.remove());

  it('is what a violation ends with, and leads there again', async () => {
    expect(run.status).toBe(1);
    expect(run.stdout).toMatch(/^P4 does not hold: /m);
    expect(run.stdout).toMatch(/^violated: 1 scenario violated; /m);
    const again = await ptfragProcess([...replay, '--json'], { main: broken.main });
    expect(again.status).toBe(1);
    const [row] = documentIn<CheckDocument>(again).scenarios;
    expect(row).toMatchObject({ name: scenario, verdict: 'violated', executions: 1 });
    expect(row?.failure).toMatchObject({ rule: 'P4', schedule: replay.at(-1) });
  });

  it('that breaks nothing says nothing of others', async () => {
    const { status, stdout } = await ptfrag(replay);
    expect(status).toBe(3);
    expect(stdout).toContain('no rule is broken on this schedule\n');
    expect(stdout.replaceAll('\n', ' ')).toContain(
      'inconclusive: 1 scenario explored up to one sc',
    );
  });

  it.each([
    [`${scenario} --schedule 0y5`, 'bad-schedule', 'is no schedule; expected like'],
    [`${scenario} --schedule 0x7~0000`, 'stale-schedule', 'the code or the scenario has changed'],
    ['--schedule 0~0000', 'one-scenario', 'name just that one'],
  ])('that cannot be followed is refused: %s', async (line, code, message) => {
    const refused = await check(`${line} --json`);
    expect(refused.status).toBe(2);
    const { error } = documentIn(refused);
    expect(error).toMatchObject({ code, message: expect.stringContaining(message) });
  });
});

it.concurrent.each([
  ['take-vs-tak', 'no-such-scenario', `"take-vs-tak"; near it: ${ONE}, `],
  ['--list take-vs-tak', 'no-such-scenario', `"take-vs-tak"; near it: ${ONE}, `],
  ['--mutant lock-test', 'no-such-mutant', '"lock-test"; near it: lock-tests-then-sets, '],
  ['--list --mutant nix', 'conflicting-option', "'--list' cannot be used with option '--mutant"],
  ['--list --steps 5', 'conflicting-option', "'--list' cannot be used with option '--steps"],
  ['--schedule 0~0 --pct 5', 'conflicting-option', "'--schedule <s>' cannot be used with"],
  ['--mutant nix --large', 'conflicting-option', "'--mutant <name>' cannot be used with"],
  ['--ktap', 'conflicting-option', "'--ktap' cannot be used with option '--json'"],
  ['--depth 4', 'no-mode', '--depth is for --pct only'],
  ['--depth 4 --random 5', 'no-mode', '--depth is for --pct only'],
  ['--seed 4', 'no-mode', '--seed is for --random and --pct only'],
  ['--seed 4 --naive', 'no-mode', '--seed is for --random and --pct only'],
  [`${ONE} --mutant ${MUTANTS[0]?.name}`, 'mutant-alone', 'name no other'],
  ['--naive --random 5', 'one-mode', 'take one'],
  ['--shard 4/3', 'invalid-argument', 'Expected i/n'],
])('what cannot be asked is refused: check %s', async (line, code, message) => {
  const run = await check(`${line} --json`);
  expect(run.status).toBe(2);
  const { error } = documentIn(run);
  expect(error).toMatchObject({ code, message: expect.stringContaining(message) });
  expect(run.stderr).toMatch(/^ptfrag: [^\n]{1,300}\nsee: [^\n]*\n$/);
});

describe('the parts of a check', () => {
  const folder = new TraceFolder();
  afterAll(() => folder.remove());

  it('are its scope, then each row alone, those of mutants last', async () => {
    const parts: CheckDocument[] = [];
    const all = { design: null, schedule: null, stepsMax: null, mutant: null, shard: null };
    const copies = join(folder.path, 'copies');
    const what = { scenarios: [ONE, OTHER], mutants: true, large: false };
    const request = { ...all, ...what, jobs: 2, copies };
    const document = await runCheck(
      { ...request, mode: { kind: 'exhaustive' } },
      {
        signal: new AbortController().signal,
        onPart: (part) => parts.push(part),
        onProgress: () => {},
      },
    );
    const { scenarios, mutants, ...scope } = document;
    expect(parts[0]).toEqual({ ...scope, scenarios: [], mutants: [] });
    const counts = parts.map((part) => `${part.scenarios.length} ${part.mutants.length}`);
    expect(counts).toEqual(['0 0', '1 0', '1 0', ...mutants.map(() => '0 1')]);
    expect(new Set(parts.flatMap((part) => part.scenarios))).toEqual(new Set(scenarios));
    expect(new Set(parts.flatMap((part) => part.mutants))).toEqual(new Set(mutants));
  });
});

describe('an interrupted check', () => {
  it('ends with a document', async () => {
    const started = signalAfter('stderr', 'ready', 'SIGINT');
    const run = await ptfragProcess(['check', '--json'], { node: ANNOUNCE, started });
    expect(run.status).toBe(130);
    expect(documentIn(run)).toMatchObject({ command: 'check', verdict: 'interrupted', ok: false });
    expect(run.stderr).toMatch(
      /^interrupted: (?:nothing was finished|explored \d+ scenarios?) \(/m,
    );
  });

  it('keeps the rows that it had', async () => {
    const started = signalAfter('stdout', ONE, 'SIGINT');
    const run = await ptfragProcess(['check', ONE, BIG], { started });
    expect(run.status).toBe(130);
    expect(run.stderr).toMatch(/^interrupted: explored [12] scenarios? \(stopped by SIGINT\)$/m);
    expect(run.stdout).not.toContain('holds: ');
  });
});

/** Two runs of the same differ in how long they took. */
function withoutTimes(document: CheckDocument): object {
  const still = (row: object): object => ({ ...row, seconds: 0 });
  const { scenarios, mutants } = document;
  return { ...document, scenarios: scenarios.map(still), mutants: mutants.map(still) };
}

describe('shards', () => {
  const folder = new TraceFolder();
  const files: string[] = [];
  const LINE = `${OTHER} ${ONE} attach-vs-attach+records`;

  beforeAll(async () => {
    const runs = await Promise.all([1, 2].map((i) => check(`${LINE} --shard ${i}/2 --json`)));
    for (const { stdout } of runs) files.push(folder.write(stdout));
  });
  afterAll(() => folder.remove());

  const merge = (given: readonly string[], ...flags: string[]): Promise<Finished> =>
    ptfrag(['merge', ...given, ...flags]);

  it('have each scenario once between them', async () => {
    const line = '--steps 1 --no-mutants --shard';
    const parts = await Promise.all([1, 2, 3].map((i) => documentOf(`${line} ${i}/3`)));
    const names = parts.flatMap(({ scenarios }) => namesOf(scenarios));
    expect(names.sort()).toEqual(namesOf(SMALL).sort());
    const sizes = parts.map(({ scenarios }) => scenarios.length);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
  });

  it('merge to the document of the whole, whatever their order', async () => {
    const whole = await documentOf(LINE);
    for (const order of [files, files.toReversed()]) {
      const run = await merge(order, '--json');
      expect(run.status).toBe(0);
      expect(withoutTimes(documentIn<CheckDocument>(run))).toEqual(withoutTimes(whole));
    }
    expect(namesOf(whole.mutants).sort()).toEqual(mutantsOf(...LINE.split(' ')).sort());
  });

  it('are printed as one table, and a document alone as it is', async () => {
    const { status, stdout } = await merge(files);
    expect(status).toBe(0);
    expect(stdout.split('\n')[1]).toMatch(new RegExp(`^${OTHER.replace('+', '\\+')} .* holds$`));
    expect(stdout).toMatch(/^holds: 3 scenarios explored completely; /m);
    const all = await merge(files, '--json');
    const again = await merge([folder.write(all.stdout)], '--json');
    expect(documentIn(again)).toEqual(documentIn(all));
  });

  it('that are missing make it inconclusive', async () => {
    const run = await merge(files.slice(0, 1));
    expect(run.status).toBe(3);
    expect(run.stdout).toMatch(/^inconclusive: not here: shard 2\/2; 2 scenarios explored comp/m);
    expect(run.stderr).toMatch(/^again: .* merge /m);
  });

  it('that were interrupted do too', () => {
    const edited = edit(1, (document) => ({ ...document, verdict: 'interrupted', scenarios: [] }));
    expect(mergeFiles([files[0] as string, edited])).toMatchObject({
      verdict: 'inconclusive',
      missing: ['what was not done of shard 2/2'],
    });
  });

  it('that found something are not hidden by it', () => {
    const edited = edit(0, (document) => ({
      ...document,
      scenarios: document.scenarios.map((row) => ({ ...row, verdict: 'violated' as const })),
    }));
    expect(mergeFiles([edited])).toMatchObject({ verdict: 'violated', missing: ['shard 2/2'] });
  });

  /** A file like that of a shard, with something changed in it. */
  function edit(at: number, change: (document: CheckDocument) => object): string {
    const text = readFileSync(files[at] as string, 'utf8');
    return folder.write(JSON.stringify(change(JSON.parse(text) as CheckDocument)));
  }

  const SHARDS = { index: 2, count: 3 };
  const refused: readonly (readonly [string, () => readonly string[], string, string])[] = [
    ['not there', () => ['nix'], 'not-found', 'JSON document of `ptfrag check --json`'],
    ['a folder', () => [folder.path], 'not-readable', 'JSON document'],
    ['a pipe', () => [folder.pipe()], 'not-readable', 'JSON document'],
    ['no JSON', () => [folder.write('KTAP version 1')], 'not-json', 'JSON document'],
    ['no object', () => [folder.write('null')], 'other-command', '"check"'],
    ['another command', () => [folder.write('{"command":"doctor"}')], 'other-command', '"check"'],
    ['another schema', () => [edit(0, (d) => ({ ...d, schema: 2 }))], 'other-schema', 'schema 1'],
    ['an early end', () => [edit(0, () => FAILED)], 'not-a-result', 'a check that began'],
    ['a row cut', () => [edit(0, (d) => ({ ...d, mutants: [{}] }))], 'not-a-result', 'that began'],
    ['a failure cut', () => [edit(0, cutFailure)], 'not-a-result', 'that began'],
    ['no shard', () => [edit(0, (d) => ({ ...d, shard: 1 }))], 'not-a-result', 'that began'],
    ['twice', () => [files[0] as string, files[0] as string], 'same-shard', 'each once'],
    ['other build', () => beside((d) => ({ ...d, build: 'x' })), 'other-build', 'build '],
    ['other options', () => beside((d) => ({ ...d, options: {} })), 'other-options', 'options {'],
    ['other count', () => beside((d) => ({ ...d, shard: SHARDS })), 'other-shards', 'shard of 2'],
    ['a whole one', () => beside((d) => ({ ...d, shard: null })), 'no-shard', 'shards of one'],
  ];

  /** A mutant that is caught, but nobody can say how. */
  function cutFailure(document: CheckDocument): object {
    const [row, ...rows] = document.mutants;
    return {
      ...document,
      mutants: [{ ...row, failure: { ...row?.failure, steps: [{}] } }, ...rows],
    };
  }

  function beside(change: (document: CheckDocument) => object): readonly string[] {
    return [files[0] as string, edit(1, change)];
  }

  it.each(refused)('are refused: %s', (_name, make, code, expected) => {
    const given = make();
    const place = { code, file: given.at(-1), line: 0 };
    const more = { ...place, expected: expect.stringContaining(expected) };
    expect(() => mergeFiles(given)).toThrow(expect.objectContaining(more));
  });

  it('are refused with the file and what was expected', async () => {
    const run = await merge([files[0] as string, 'nix'], '--json');
    expect(run.status).toBe(2);
    const { error } = documentIn(run);
    expect(error).toMatchObject({ code: 'not-found', file: 'nix', line: 0 });
    expect(run.stderr).toBe(`ptfrag: nix is not there; expected ${error?.expected}\n`);
  });
});
