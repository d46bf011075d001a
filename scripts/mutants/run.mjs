/** Running mutants: what each scenario runs is recorded once, then each mutant meets those. */
import { Copy } from './build.mjs';
import { explore } from './lane.mjs';
import { planOf } from './plan.mjs';
import { Checkout, fails, testsOf } from './tests.mjs';

/** Only for what never ends: all of the catalogue takes a minute. */
const RECORD_SECONDS = 3600;

/** Explores the scenarios whose coverage the results do not have yet. */
export async function recordCoverage(scenarios, results) {
  const missing = scenarios
    .filter(({ name }) => !results.coverage.has(name))
    .map(({ name }) => ({ name, stepsMax: null, seconds: RECORD_SECONDS }));
  if (missing.length === 0) return;
  const copy = new Copy();
  try {
    const told = (outcome) => {
      if (outcome.verdict !== 'holds') throw new Error(`${outcome.name}: ${outcome.verdict}`);
      results.add({ kind: 'coverage', ...outcome });
    };
    const job = { url: copy.url, scenarios: missing, covers: true, isExact: true };
    const broken = await explore(job, told);
    if (broken !== null) throw new Error(`${broken.name} ${broken.how}`);
  } finally {
    copy.remove();
  }
}

/**
 * Runs mutants on so many threads at once, and notes what becomes of each. Those that the results
 * know already are left out, so a run that was stopped goes on.
 */
export async function runMutants(mutants, { modules, results, stepsMax, jobs, placeOf }) {
  const queue = mutants.filter(({ key }) => !isKnown(results.mutants.get(key), stepsMax));
  const lane = async () => {
    const copy = new Copy();
    try {
      for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
        const begun = performance.now();
        const end = await endOf(mutant, {
          copy,
          results,
          stepsMax,
          text: modules.get(mutant.file),
        });
        const seconds = Number(((performance.now() - begun) / 1000).toFixed(2));
        const { key, change, operator } = mutant;
        const what = { key, change, operator, place: placeOf(mutant) };
        results.add({ kind: 'mutant', ...what, ...end, seconds, stepsMax });
        if (process.stderr.isTTY) process.stderr.write(`\r${queue.length} left  `);
      }
    } finally {
      copy.remove();
    }
  };
  await Promise.all(Array.from({ length: jobs }, lane));
}

/** A mutant that survived fewer steps than are asked for now may be found yet. */
function isKnown(line, stepsMax) {
  return line !== undefined && (line.end !== 'survived' || line.stepsMax >= stepsMax);
}

/** What becomes of a mutant: the first scenario that fails, or the first that does not end. */
async function endOf(mutant, { copy, results, stepsMax, text }) {
  const foundBy = results.before.get(mutant.change)?.by;
  const plan = planOf(mutant, results.coverage.values(), { stepsMax, foundBy });
  if (plan.length === 0) return { end: 'unreached', by: null, rule: null };
  const { file, start, end, replacement } = mutant;
  let found = { end: 'survived', by: null, rule: null };
  const told = ({ name, verdict, by }) => {
    if (verdict === 'violated') found = { end: 'killed', by: name, rule: by };
  };
  copy.change(file, text.slice(0, start) + replacement + text.slice(end));
  try {
    const broken = await explore({ url: copy.url, scenarios: plan }, told);
    return broken === null ? found : { end: 'killed', by: broken.name, rule: broken.how };
  } finally {
    copy.change(file, text);
  }
}

/**
 * Runs the tests of their rooms on mutants that no scenario found, and notes those that fail. One
 * after the other: the tests use every processor themselves.
 */
export async function runTests(mutants, { modules, results, placeOf }) {
  const queue = mutants.filter(({ key }) => {
    const line = results.mutants.get(key);
    return line !== undefined && line.end !== 'killed' && line.tested !== true;
  });
  if (queue.length === 0) return;
  const checkout = new Checkout();
  try {
    // Tests that fail without any change would find every mutant.
    for (const folder of new Set(queue.map(({ file }) => testsOf(file)))) {
      if (await fails(checkout, folder)) throw new Error(`${folder} fails without any change`);
    }
    for (const mutant of queue) {
      const { key, change, operator, file, start, end, replacement } = mutant;
      const tests = testsOf(file);
      const text = modules.get(file);
      checkout.change(file, text.slice(0, start) + replacement + text.slice(end));
      const isFound = await fails(checkout, tests);
      checkout.change(file, text);
      const before = results.mutants.get(key);
      const found = isFound ? { end: 'killed', by: tests, rule: 'tests' } : {};
      const what = { key, change, operator, place: placeOf(mutant) };
      results.add({ ...before, ...what, ...found, tested: true });
    }
  } finally {
    checkout.remove();
  }
}
