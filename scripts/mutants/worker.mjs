/** A process that explores scenarios, job by job: each in order, up to the first that fails. */
import { check } from '../../dist/checker/model/index.js';
import { record } from './coverage.mjs';

const DIST = new URL('../../dist/', import.meta.url);

/** Sent before what comes next begins: that may block this process for good. */
const tell = (message) => new Promise((resolve) => process.send(message, resolve));

function outcomeOf(scenario, stepsMax) {
  const begun = performance.now();
  const options = { keepSchedule: true, ...(stepsMax === null ? {} : { stepsMax }) };
  const { verdict, failure, steps, executions } = check(scenario, options);
  const seconds = (performance.now() - begun) / 1000;
  return { verdict, by: failure?.rule ?? null, steps, executions, seconds };
}

/** An error of the checker's own, which a mutant brings about, is a failure as any other. */
function tried(scenario, stepsMax) {
  try {
    return outcomeOf(scenario, stepsMax);
  } catch (error) {
    return { verdict: 'violated', by: error.code ?? error.name, steps: 0, seconds: 0 };
  }
}

async function run({ catalogue, scenarios, covers }) {
  const coverage = covers ? await record() : null;
  const { CATALOGUE } = await import(catalogue);
  const named = new Map(CATALOGUE.map((scenario) => [scenario.name, scenario]));
  await coverage?.take(DIST.href);
  for (const { name, stepsMax } of scenarios) {
    await tell({ begun: name });
    const outcome = tried(named.get(name), stepsMax);
    const covered = (await coverage?.take(DIST.href)) ?? null;
    await tell({ ended: name, ...outcome, covered });
    if (outcome.verdict === 'violated') break;
  }
  await tell({ done: true });
}

process.on('message', run);
