/**
 * `node scripts/stack.mjs SCENARIO SCHEDULE [MUTANT]`: follows one schedule of a scenario, as
 * `ptfrag check` printed it, and prints the stack of the error that ends it. With a mutant, of the
 * build that has the mutant in it.
 */

import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { pathToFileURL } from 'node:url';
import { plantMutant } from '../dist/checker/check/plant.js';
import { MUTANTS } from '../dist/checker/proof/index.js';

const DIST = new URL('../dist/', import.meta.url);

/** The scenario, but with operations that print the first error that one of them ends with. */
function printing(scenario) {
  let isPrinted = false;
  const shown = (operation) => (results) => {
    try {
      return operation(results);
    } catch (error) {
      // What suspends an operation is thrown, too, but is no error.
      if (error instanceof Error && !isPrinted) console.log(error.stack);
      isPrinted ||= error instanceof Error;
      throw error;
    }
  };
  const setup = (stage) => {
    const made = scenario.setup(stage);
    return { ...made, threads: made.threads.map((operations) => operations.map(shown)) };
  };
  return { ...scenario, setup };
}

async function follow(build, name, schedule) {
  const { scenarioNamed } = await import(new URL('checker/proof/index.js', build).href);
  const { replay } = await import(new URL('checker/model/index.js', build).href);
  const { failure } = replay(printing(scenarioNamed(name)), schedule);
  console.log(failure === null ? 'no rule is broken on this schedule' : failure.detail);
}

const [name, schedule, mutantName] = process.argv.slice(2);
if (schedule === undefined) throw new Error('node scripts/stack.mjs SCENARIO SCHEDULE [MUTANT]');
if (mutantName === undefined) await follow(DIST, name, schedule);
else {
  const mutant = MUTANTS.find((each) => each.name === mutantName);
  if (mutant === undefined) throw new Error(`there is no mutant ${mutantName}`);
  const { folder } = plantMutant(mutant, tmpdir());
  try {
    await follow(pathToFileURL(`${folder}/`), name, schedule);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
