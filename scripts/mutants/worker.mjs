/** A process that explores scenarios of a build, in order, up to the first that fails. */
import { record } from './coverage.mjs';

/** Sent before what comes next begins: that may block this process for good. */
const tell = (message) => new Promise((resolve) => process.send(message, resolve));

function outcomeOf(check, scenario, stepsMax) {
  const begun = performance.now();
  const options = { keepSchedule: true, ...(stepsMax === null ? {} : { stepsMax }) };
  const { verdict, failure, steps, executions } = check(scenario, options);
  const seconds = (performance.now() - begun) / 1000;
  return { verdict, by: failure?.rule ?? null, steps, executions, seconds };
}

/** An error of the checker's own, which a mutant brings about, is a failure as any other. */
function tried(check, scenario, stepsMax) {
  try {
    return outcomeOf(check, scenario, stepsMax);
  } catch (error) {
    return { verdict: 'violated', by: error.code ?? error.name, steps: 0, seconds: 0 };
  }
}

async function run({ url, scenarios, covers }) {
  const coverage = covers ? await record() : null;
  const { CATALOGUE } = await import(new URL('checker/proof/catalogue.js', url));
  const { check } = await import(new URL('checker/model/check.js', url));
  const named = new Map(CATALOGUE.map((scenario) => [scenario.name, scenario]));
  await coverage?.take(url);
  for (const { name, stepsMax } of scenarios) {
    await tell({ begun: name });
    const outcome = tried(check, named.get(name), stepsMax);
    const covered = (await coverage?.take(url)) ?? null;
    await tell({ ended: name, ...outcome, covered });
    if (outcome.verdict === 'violated') break;
  }
  await tell({ done: true });
}

process.once('message', async (job) => {
  await run(job);
  process.disconnect();
});
