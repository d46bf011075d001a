/** A scenario that cannot be set up is one violated row: the others are explored all the same. */
import { afterAll, describe, expect, it } from 'vitest';
import type { CheckDocument } from '#src/checker/check/document.js';
import { documentIn, ptfragProcess } from '../../fixtures/command.js';
import { BrokenBuild } from '../../support/build.js';

const FIRST = 'take-vs-take+one-block';
const SECOND = 'attach-vs-attach+records';

describe('a build whose first scenario throws while it is set up', () => {
  const build = new BrokenBuild({
    name: 'setup-throws',
    about: 'The set-up of a scenario throws.',
    rules: [],
    file: 'checker/proof/scenarios/lock.js',
    find: '=> [[takeBlock(one, 0)], [takeBlock(two, 1)]]',
    replace: "=> { throw new Error('no'); }",
    scenario: FIRST,
  });
  afterAll(() => build.remove());
  const line = ['check', FIRST, SECOND, '--no-mutants', '--jobs', '1'];

  it('has a row that says so, and a row of the next', async () => {
    const run = await ptfragProcess([...line, '--json'], { main: build.main });
    expect(run.status).toBe(1);
    const { scenarios } = documentIn<CheckDocument>(run);
    expect(scenarios.map(({ name, verdict }) => [name, verdict])).toEqual([
      [FIRST, 'violated'],
      [SECOND, 'holds'],
    ]);
    const failure = { rule: 'Error', detail: 'setting up: no', schedule: '', steps: [] };
    expect(scenarios[0]?.failure).toMatchObject(failure);
  });

  it('prints both rows, and what went wrong', async () => {
    const { status, stdout } = await ptfragProcess(line, { main: build.main });
    expect(status).toBe(1);
    expect(stdout).toMatch(/^attach-vs-attach.* holds$/m);
    expect(stdout).toMatch(/\nError: setting up: no\nthrown at \S+:\d+:\d+\nscenario {2}/);
    expect(stdout).toContain(`\nscenario  ${FIRST}\n`);
  });
});
