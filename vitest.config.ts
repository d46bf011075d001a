import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take more than half a minute. */
const LONGEST = /proof\/(?:mutants|catalogue)\.test|cli\/check\.test/;

/** The longest begin first: else one worker has one of them left when the others are done. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isShort = ({ moduleId }: TestSpecification): number => (LONGEST.test(moduleId) ? 0 : 1);
    return (await super.sort(files)).sort((a, b) => isShort(a) - isShort(b));
  }
}

/**
 * Tests import the built modules through `#src/*`, so what is tested is what ships, and worker
 * entries are files that plain Node can start. `scripts/setup.mjs` builds them first.
 *
 * `--mode long` (npm run test:all) or PTFRAG_LONG=1 adds the tests that need minutes.
 */
export default defineConfig(({ mode }) => {
  const long = mode === 'long' || Boolean(process.env['PTFRAG_LONG']);
  return {
    test: {
      environment: 'node',
      include: ['test/**/*.test.ts'],
      setupFiles: ['test/support/seed.ts'],
      pool: 'forks',
      // One worker runs many files, and modules stay loaded: a sixth of the time was their loading.
      // None relies on what another left.
      isolate: false,
      sequence: { sequencer: LongestFirst },
      // All processors: by default one is left to whoever watches.
      maxWorkers: availableParallelism(),
      env: long ? { PTFRAG_LONG: '1' } : {},
      // For what hangs, not for what a busy machine makes slow.
      testTimeout: long ? 600_000 : 120_000,
      hookTimeout: 120_000,
      teardownTimeout: 10_000,
      // Load dist as Node does: no transform between the test and the shipped file.
      server: { deps: { external: [/\/dist\//] } },
    },
  };
});
