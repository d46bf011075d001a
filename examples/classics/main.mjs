/**
 * Explores every interleaving of classical programs, wrong and right. With a name: shows how the
 * wrong one fails.
 */
import { check, formatFailure } from 'ptfrag/model';
import { scenarioOf } from './classic.mjs';
import { EXCLUSION } from './exclusion.mjs';
import { PUBLICATION } from './publication.mjs';
import { RECLAMATION } from './reclamation.mjs';
import { SLEEPING } from './sleeping.mjs';

const CLASSICS = [...EXCLUSION, ...SLEEPING, ...PUBLICATION, ...RECLAMATION];

const row = (name, wrong, right, executions) =>
  console.log(
    `${name.padEnd(18)} ${wrong.padEnd(10)} ${right.padEnd(8)} ${executions.padStart(10)}`,
  );

function explore(classic) {
  const [wrong, right] = [false, true].map((isRight) => check(scenarioOf(classic, isRight)));
  const executions = right.executions.toLocaleString('en-US');
  row(classic.name, wrong.failure?.rule ?? 'not found', right.verdict, executions);
  console.log(`  ${classic.teaches}`);
  return wrong.failure !== null && right.verdict === 'holds';
}

function show(name) {
  const classic = CLASSICS.find((each) => each.name === name);
  if (classic === undefined) {
    console.error(`no classic is called ${name}: ${CLASSICS.map((each) => each.name).join(', ')}`);
    process.exitCode = 2;
    return;
  }
  const scenario = scenarioOf(classic, false);
  const { failure } = check(scenario);
  console.log(`${classic.teaches}\n\n${formatFailure(scenario, failure).join('\n')}`);
}

const [name] = process.argv.slice(2);
if (name !== undefined) {
  show(name);
} else {
  row('classic', 'wrong', 'right', 'executions');
  if (!CLASSICS.map(explore).every(Boolean)) process.exitCode = 1;
}
