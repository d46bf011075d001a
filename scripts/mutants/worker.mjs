/**
 * One thread that explores scenarios of a build, in order, up to the first that fails. A thread of
 * its own for each mutant: its modules are loaded anew, and one that never ends can be stopped.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { record } from './coverage.mjs';

const { url, scenarios, covers } = workerData;

function outcomeOf(check, scenario, stepsMax) {
  const begun = performance.now();
  const options = { keepSchedule: true, ...(stepsMax === null ? {} : { stepsMax }) };
  const { verdict, failure, steps, executions } = check(scenario, options);
  const seconds = (performance.now() - begun) / 1000;
  return { verdict, by: failure?.rule ?? null, steps, executions, seconds };
}

/** An error of the checker's own, which is told of the mutant, is a failure as any other. */
function tried(check, scenario, stepsMax) {
  try {
    return outcomeOf(check, scenario, stepsMax);
  } catch (error) {
    return { verdict: 'violated', by: error.code ?? error.name, steps: 0, seconds: 0 };
  }
}

const coverage = covers ? await record() : null;
const { CATALOGUE } = await import(new URL('checker/proof/catalogue.js', url));
const { check } = await import(new URL('checker/model/check.js', url));
const named = new Map(CATALOGUE.map((scenario) => [scenario.name, scenario]));
await coverage?.take(url);
for (const { name, stepsMax } of scenarios) {
  parentPort.postMessage({ begun: name });
  const outcome = tried(check, named.get(name), stepsMax);
  const covered = (await coverage?.take(url)) ?? null;
  parentPort.postMessage({ ended: name, ...outcome, covered });
  if (outcome.verdict === 'violated') break;
}
