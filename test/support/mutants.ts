/**
 * Loading a build with one mutant in it: a copy in a temporary folder, patched, and imported from
 * there, so that the patched modules are the ones that its own checker explores.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { CheckOptions, CheckResult, Replay } from '#src/checker/model/check.js';
import { applyMutant, type Mutant } from '#src/checker/model/mutant.js';
import type { Scenario } from '#src/checker/model/scenario.js';
import { neededBy } from '#src/rooms.js';

const DIST = fileURLToPath(new URL('../../dist/', import.meta.url));

interface PatchedModules {
  readonly scenario: Scenario;
  readonly check: (scenario: Scenario, options?: CheckOptions) => CheckResult;
  readonly replay: (scenario: Scenario, schedule: string) => Replay;
}

/** Runs `use` on the checker of a build that has the mutant in it. */
export async function withMutant<T>(
  mutant: Mutant,
  use: (modules: PatchedModules) => T,
): Promise<T> {
  const temporary = mkdtempSync(join(tmpdir(), 'ptfrag-mutant-'));
  // In a folder of this name modules are loaded as Node does, without a transform:
  // vitest.config.ts.
  const folder = join(temporary, 'dist');
  try {
    for (const room of neededBy('proof')) {
      cpSync(DIST + room.folder, join(folder, room.folder), {
        recursive: true,
        filter: (path) => !/\.(?:map|d\.ts)$/.test(path),
      });
    }
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    const file = join(folder, mutant.file);
    writeFileSync(file, applyMutant(mutant, readFileSync(file, 'utf8')));
    const url = (name: string): string => pathToFileURL(join(folder, 'checker', name)).href;
    const { scenarioNamed } = await import(/* @vite-ignore */ url('proof/catalogue.js'));
    const { check, replay } = await import(/* @vite-ignore */ url('model/check.js'));
    return use({ scenario: scenarioNamed(mutant.scenario), check, replay });
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}
