/** Loading a build with one mutant in it, so that its own code is explored, by this checker. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { plantMutant, readBuild } from '#src/checker/check/plant.js';
import type { Mutant } from '#src/checker/model/mutant.js';
import type { Scenario } from '#src/checker/model/scenario.js';

const BUILD = readBuild();

/** Runs `use` on the scenario that is to catch a mutant, in a build that has the mutant in it. */
export async function withMutant<T>(mutant: Mutant, use: (scenario: Scenario) => T): Promise<T> {
  // In a folder of this name modules are loaded as Node does, without a transform:
  // vitest.config.ts.
  const temporary = mkdtempSync(join(tmpdir(), 'ptfrag-mutant-'));
  try {
    const { catalogue } = plantMutant(mutant, join(temporary, 'dist'), BUILD);
    const { scenarioNamed } = await import(/* @vite-ignore */ catalogue.href);
    return use(scenarioNamed(mutant.scenario));
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}
