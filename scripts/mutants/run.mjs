/** Running mutants: what each scenario runs is recorded once, then each mutant meets those. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { plantText, readBuild } from '../../dist/checker/check/plant.js';
import { whyEquivalent } from './equivalent.mjs';
import { cover, Lane } from './lane.mjs';
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
  const told = (outcome) => {
    if (outcome.verdict !== 'holds') throw new Error(`${outcome.name}: ${outcome.verdict}`);
    results.add({ kind: 'coverage', ...outcome });
  };
  await cover(missing, told, true);
}

/**
 * Runs mutants on so many threads at once, and notes what becomes of each. Those that the results
 * know already are left out, so a run that was stopped goes on.
 */
export async function runMutants(mutants, { modules, results, stepsMax, jobs, placeOf }) {
  const queue = mutants.filter(({ key }) => !isKnown(results.mutants.get(key), stepsMax));
  const [build, copies] = [readBuild(), mkdtempSync(join(tmpdir(), 'ptfrag-mutants-'))];
  const work = async () => {
    const lane = new Lane();
    try {
      for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
        const begun = performance.now();
        const end = await endOf(mutant, {
          ...{ lane, build, copies },
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
      lane.end();
    }
  };
  try {
    await Promise.all(Array.from({ length: jobs }, work));
  } finally {
    rmSync(copies, { recursive: true, force: true });
  }
}

/** A mutant that survived fewer steps than are asked for now may be found yet. */
function isKnown(line, stepsMax) {
  return line !== undefined && (line.end !== 'survived' || line.stepsMax >= stepsMax);
}

/** What becomes of a mutant: the first scenario that fails, or the first that does not end. */
async function endOf(mutant, { lane, build, copies, results, stepsMax, text }) {
  const foundBy = results.before.get(mutant.change)?.by;
  const plan = planOf(mutant, results.coverage.values(), { stepsMax, foundBy });
  if (plan.length === 0) return { end: 'unreached', by: null, rule: null };
  const { file, start, end, replacement } = mutant;
  let found = { end: 'survived', by: null, rule: null };
  const told = ({ name, verdict, by }) => {
    if (verdict === 'violated') found = { end: 'killed', by: name, rule: by };
  };
  const changed = text.slice(0, start) + replacement + text.slice(end);
  const { folder, catalogue } = plantText(file, changed, copies, build);
  try {
    const broken = await lane.explore({ catalogue: catalogue.href, scenarios: plan }, told);
    return broken === null ? found : { end: 'killed', by: broken.name, rule: broken.how };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Runs the tests of their rooms on mutants that no scenario found and that should make a
 * difference, and notes those that fail. One after the other: the tests use every processor
 * themselves.
 */
export async function runTests(mutants, { modules, results, placeOf }) {
  const queue = mutants.filter((mutant) => {
    const line = results.mutants.get(mutant.key);
    if (line === undefined || whyEquivalent(mutant) !== null) return false;
    return line.end !== 'killed' && line.tested !== true;
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
