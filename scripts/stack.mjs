/**
 * `node scripts/stack.mjs SCENARIO SCHEDULE [MUTANT]`: follows one schedule of a scenario, as
 * `ptfrag check` printed it, and prints the stack of the error that ends it. With a mutant, of the
 * build that has the mutant in it.
 */
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { plantMutant } from '../dist/checker/check/plant.js';
import { replay } from '../dist/checker/model/index.js';
import { MUTANTS } from '../dist/checker/proof/index.js';

const CATALOGUE = new URL('../dist/checker/proof/catalogue.js', import.meta.url).href;

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

async function follow(catalogue, name, schedule) {
  const { scenarioNamed } = await import(catalogue);
  const { failure } = replay(printing(scenarioNamed(name)), schedule);
  console.log(failure === null ? 'no rule is broken on this schedule' : failure.detail);
}

const [name, schedule, mutantName] = process.argv.slice(2);
if (schedule === undefined) throw new Error('node scripts/stack.mjs SCENARIO SCHEDULE [MUTANT]');
if (mutantName === undefined) await follow(CATALOGUE, name, schedule);
else {
  const mutant = MUTANTS.find((each) => each.name === mutantName);
  if (mutant === undefined) throw new Error(`there is no mutant ${mutantName}`);
  const { folder, catalogue } = plantMutant(mutant, tmpdir());
  try {
    await follow(catalogue.href, name, schedule);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
