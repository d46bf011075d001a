/** A copy of the build with a patch in it, whose command can be run. */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { applyMutant, type Mutant } from '#src/checker/model/mutant.js';
import { MUTANTS } from '#src/checker/proof/mutants.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** A mutant of the catalogue. */
export function mutantNamed(name: string): Mutant {
  const mutant = MUTANTS.find((each) => each.name === name);
  if (mutant === undefined) throw new Error(`there is no mutant ${name}`);
  return mutant;
}

export class BrokenBuild {
  readonly main: string;
  private readonly folder: string = mkdtempSync(join(tmpdir(), 'ptfrag-broken-'));

  constructor(mutant: Mutant) {
    const isCode = (path: string): boolean => !/\.(?:map|d\.ts)$/.test(path);
    cpSync(`${ROOT}dist`, join(this.folder, 'dist'), { recursive: true, filter: isCode });
    cpSync(`${ROOT}package.json`, join(this.folder, 'package.json'));
    symlinkSync(`${ROOT}node_modules`, join(this.folder, 'node_modules'), 'junction');
    const file = join(this.folder, 'dist', mutant.file);
    writeFileSync(file, applyMutant(mutant, readFileSync(file, 'utf8')));
    this.main = join(this.folder, 'dist/cli/main.js');
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}
