/** The job of `ptfrag torture`. */

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { plantMutant, readBuild } from '../../checker/check/plant.js';
import { mutantNamed } from '../../checker/check/run.js';
import type { TortureDocument } from '../../lab/torture/document.js';
import type { TortureAsked } from '../../lab/torture/options.js';
import { torture } from '../../lab/torture/torture.js';
import { countOf } from '../../report/text.js';
import type { JobPort } from '../shell/job.js';

export interface TortureRequest extends TortureAsked {
  /** The name of a mutant, which is to be found; null: of none. */
  readonly mutant: string | null;
  /** Where its build is put. */
  readonly folder: string;
}

export async function work(
  { mutant, folder, ...asked }: TortureRequest,
  port: JobPort<never>,
): Promise<TortureDocument> {
  const onProgress = (done: number, reads: number, kills: number): void =>
    port.onProgress(`${countOf(reads, 'read')}, ${countOf(kills, 'kill')}`, done, { reads, kills });
  const run = mutant === null ? torture : await brokenBy(mutant, folder);
  return await run(asked, { signal: port.signal, onProgress });
}

/** The same of a build that has the mutant in it, down to the threads that it starts. */
async function brokenBy(mutant: string, copies: string): Promise<typeof torture> {
  const { folder } = plantMutant(mutantNamed(mutant), copies, readBuild('torture'));
  const planted = await import(pathToFileURL(join(folder, 'lab/torture/torture.js')).href);
  return (planted as { torture: typeof torture }).torture;
}
