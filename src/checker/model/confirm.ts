/**
 * Executions are explored by running operations again and again, so what an operation keeps outside
 * of the memory is another thing each time: it makes failures that are none, and hides others.
 *
 * So before a failure is told, and for some executions in which nothing failed, the same is done
 * once more from a fresh start: the whole schedule, in a scenario that is set up anew, and what
 * each thread did, alone. Whatever differs is the failure then, of rule X2.
 */
import { differenceAlone } from './alone.js';
import { endingOf } from './ending.js';
import type { Step } from './explore.js';
import type { Finding, Scenario } from './scenario.js';
import { type Found, Stagehand } from './stagehand.js';

const CAUSE =
  'It depends on something outside of the memory: a variable, a modified result or argument, ' +
  'an object that threads share, time or chance';

/** What was found, as a fresh start shows it; or that a fresh start shows something else. */
export function confirmed(scenario: Scenario, found: Found): Found {
  if (found.lapSteps !== undefined) return cheatIn(scenario, found.stagehand, found.steps) ?? found;
  // One of the X rules is all there is to say.
  if (/^X\d/.test(found.finding.rule)) return found;
  return doneAgain(scenario, found.stagehand, found.steps, found) ?? found;
}

/** Whether an execution that broke no rule breaks one when it is done from a fresh start. */
export function hiddenIn(
  scenario: Scenario,
  stagehand: Stagehand,
  steps: readonly Step[],
): Found | null {
  return doneAgain(scenario, stagehand, steps, null);
}

/** What a fresh start finds if that is the same; if it is not, that. */
function doneAgain(
  scenario: Scenario,
  stagehand: Stagehand,
  steps: readonly Step[],
  was: Found | null,
): Found | null {
  const cheat = cheatIn(scenario, stagehand, steps);
  if (cheat !== null) return cheat;
  const fresh = followed(scenario, steps);
  const now = fresh?.found ?? null;
  if (fresh !== null && isSameFinding(now?.finding, was?.finding)) return now;
  // There each operation was run again for each of its accesses.
  const other = fresh === null ? null : cheatIn(scenario, fresh, steps);
  return other ?? outliving(was ?? { steps, stagehand }, was?.finding, now?.finding);
}

/** What a thread did otherwise than it does alone; null: nothing. */
export function cheatIn(
  scenario: Scenario,
  stagehand: Stagehand,
  steps: readonly Step[],
): Found | null {
  // Before the first step nothing was run twice.
  if (steps.length === 0) return null;
  const { forEver = [] } = stagehand.setup;
  for (let thread = 0; thread < scenario.threads; thread++) {
    // What it returned in earlier rounds is kept nowhere.
    if (forEver.includes(thread)) continue;
    const difference = differenceAlone(scenario, stagehand.machine, thread);
    if (difference === null) continue;
    const finding = { rule: 'X2', detail: `${difference}. ${CAUSE}` };
    return { finding, thread, steps, stagehand };
  }
  return null;
}

function outliving(
  { steps, stagehand }: Pick<Found, 'steps' | 'stagehand'>,
  was: Finding | undefined,
  now: Finding | undefined,
): Found {
  const found = `found ${textOf(was)}; from a fresh start, the same schedule finds ${textOf(now)}`;
  const cause =
    'something that onReturn, always, atEnd or an operation keeps outlives an execution';
  const detail = `${found}: ${cause}; keep it in the memory, or in ghost words`;
  return { finding: { rule: 'X2', detail }, thread: null, steps, stagehand };
}

function textOf(finding: Finding | undefined): string {
  return finding === undefined ? 'nothing wrong' : `${finding.rule} (${finding.detail})`;
}

function isSameFinding(one: Finding | undefined, two: Finding | undefined): boolean {
  return one?.rule === two?.rule && one?.detail === two?.detail && one?.word === two?.word;
}

/** A fresh start, and the same steps; null: they can't be made. */
function followed(scenario: Scenario, steps: readonly Step[]): Stagehand | null {
  const stagehand = new Stagehand(scenario);
  const { machine } = stagehand;
  for (const { thread, access } of steps) {
    if (machine.thrown !== null || !machine.enabled(thread)) return null;
    const next = machine.nextAccess(thread);
    if (next?.kind !== access?.kind || next?.word !== access?.word) return null;
    machine.perform(thread);
  }
  stagehand.judge(endingOf(machine), () => [...steps]);
  return stagehand;
}
