/** A mistake in ptfrag itself: it is not a broken rule, wherever it is made. */
import { afterAll, describe, expect, it } from 'vitest';
import { documentIn, ptfragProcess } from '../fixtures/command.js';
import { bundled } from '../fixtures/trace-files.js';
import { BrokenBuild } from '../support/build.js';

const TRACE = bundled('s390x/quick.canon');

const MISTAKE = { name: 'mistake', about: 'It throws.', rules: [], scenario: 'none' } as const;

/** Where, and the text after which something throws. */
const MISTAKES = [
  ['the job', 'replay', 'lab/replay/tables/replay.js', 'checkThreads(options);'],
  ['a thread of the job', 'replay', 'lab/replay/tables/worker.js', 'openBoard(data.board);'],
  ['the command', 'compare', 'cli/compare/compare.js', 'parts.push(part);'],
  ['the report', 'oracle', 'report/oracle.js', 'export function oracleBlock(row, paint) {'],
] as const;

describe('a mistake of ours', () => {
  const builds: BrokenBuild[] = [];
  afterAll(() => {
    for (const build of builds) build.remove();
  });

  it.each(MISTAKES)('in %s is a crash', async (_place, command, file, find) => {
    const build = new BrokenBuild({ ...MISTAKE, file, find, replace: `${find} null.missing;` });
    builds.push(build);
    const run = await ptfragProcess([command, TRACE, '--json'], { main: build.main });
    const { violations, ...document } = documentIn<{ violations?: readonly unknown[] }>(run);
    expect(document).toMatchObject({
      command,
      verdict: 'crashed',
      ok: false,
      error: { code: 'internal', message: expect.stringContaining("reading 'missing'") },
    });
    expect(violations ?? []).toEqual([]);
    expect(run.stderr).toMatch(/^ptfrag: .*reading 'missing'\)\ncrashed: this is a mistake in pt/m);
    expect(run.stderr).toMatch(/\n {4}at .*\nagain: [^\n]*\n$/);
    expect(run.status).toBe(70);
  });

  it('that nobody catches is one, too', async () => {
    const find = "replace(/^commander\\./, '')";
    const build = new BrokenBuild({
      ...MISTAKE,
      file: 'cli/shell/run.js',
      find,
      replace: 'none()',
    });
    builds.push(build);
    const run = await ptfragProcess(['compare', '--nix'], { main: build.main });
    expect(run.stderr).toMatch(/^ptfrag: \w+Error: .*\n {4}at /);
    expect(run.stderr).toContain('\ncrashed: this is a mistake in ptfrag.\n');
    expect(run.status).toBe(70);
  });
});
