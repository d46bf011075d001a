/** Threads that are kept out for ever, as failures: of a search of states, and of one schedule. */
import { Prng } from '../../core/base/prng.js';
import { effectsOf, READS } from './access.js';
import { setOf, threadsIn } from './bits.js';
import { endingOf } from './ending.js';
import type { Step } from './explore.js';
import { OPERATION_ACCESSES_MAX } from './faults.js';
import { Identity } from './identity.js';
import { findNoEnd, findStarvation, type Lap } from './laps.js';
import { LocalStates } from './local.js';
import type { Scenario } from './scenario.js';
import type { Search } from './search.js';
import { type Found, Stagehand } from './stagehand.js';
import { STATUS } from './state.js';
import { walk } from './walk.js';

/** What a search of all states shows; null: nobody is kept out. */
export function keptOut(
  scenario: Scenario,
  { graph }: Search,
  asksForStarvation: boolean,
): Found | 'unclear' | null {
  const stagehand = new Stagehand(scenario);
  const { forEver = [] } = stagehand.setup;
  const noEnd = findNoEnd(graph, forEver);
  const lap = noEnd ?? (asksForStarvation ? findStarvation(graph) : null);
  if (lap === null) return null;
  if (!goesRound(scenario, lap)) return 'unclear';
  if (noEnd !== null && comesToAnEnd(scenario, lap)) return 'unclear';
  if (noEnd !== null) return found(stagehand, noEnd, 'progress', WOULD);
  return found(stagehand, lap, 'starvation', COULD);
}

const WOULD = 'would wait for ever';
const COULD = 'could wait for ever';

/** Steps for which a lap is gone round again: a loop may count its rounds. */
const ROUND_STEPS_MIN = 2 * OPERATION_ACCESSES_MAX;

/** Whether a lap can be gone round again and again, and those who are kept out stay so. */
function goesRound(scenario: Scenario, { way, lap, threads }: Lap): boolean {
  const { machine } = new Stagehand(scenario);
  const out = setOf(threads);
  walk(machine, way);
  for (let steps = 0; steps < ROUND_STEPS_MIN; steps += lap.length) {
    for (const thread of lap) {
      if (!machine.enabled(thread)) return false;
      machine.perform(thread);
      if (machine.thrown !== null) return endingOf(machine).kind === 'cut';
      if ((machine.returned & out) !== 0) return false;
    }
  }
  return true;
}

/** Executions that are drawn from where a thread is said not to get on, and steps of each. */
const DRAWN = 4;
const DRAWN_STEPS_MAX = 4 * OPERATION_ACCESSES_MAX;

/** Whether a thread that is said not to get on from some state on does in some execution. */
function comesToAnEnd(scenario: Scenario, { way, threads }: Lap): boolean {
  const { machine } = new Stagehand(scenario);
  const out = setOf(threads);
  const prng = new Prng(1);
  for (let drawn = 0; drawn < DRAWN; drawn++) {
    machine.restart();
    walk(machine, way);
    for (let step = 0; step < DRAWN_STEPS_MAX && machine.thrown === null; step++) {
      const enabled = threadsIn(machine.sleepers.enabledThreads());
      if (enabled.length === 0) break;
      machine.perform(enabled[prng.below(enabled.length)] as number);
      if ((machine.returned & out) !== 0) return true;
    }
  }
  return false;
}

function found(stagehand: Stagehand, lap: Lap, rule: string, what: string): Found {
  const steps = walk(stagehand.machine, [...lap.way, ...lap.lap]);
  const finding = { rule, detail: detailOf(stagehand, lap.threads, what, lap.lap.length) };
  return { finding, thread: null, steps, stagehand, lapSteps: lap.lap.length };
}

function detailOf(
  stagehand: Stagehand,
  threads: readonly number[],
  what: string,
  length: number,
): string {
  const who = threads.map((thread) => stagehand.nameOf(thread)).join(' and ');
  const steps = length === 1 ? 'the last step leads' : `the last ${length} steps lead`;
  return `${who} ${what}: ${steps} back to where they began`;
}

/** Whom a schedule keeps out that ends in a state in which it was before; null: nobody. */
export function keptOutBy(scenario: Scenario, schedule: readonly number[]): Found | null {
  const stagehand = new Stagehand(scenario);
  const { machine } = stagehand;
  const identity = new Identity(
    machine,
    new LocalStates(scenario, machine),
    scenario.ghostWords ?? 0,
  );
  const all = Array.from({ length: scenario.threads }, (_, thread) => thread);
  const states = [{ key: identity.now(), returned: 0, moved: -1, idle: 0 }];
  const steps: Step[] = [];
  for (const thread of schedule) {
    const access = machine.nextAccess(thread);
    machine.perform(thread);
    steps.push({ thread, access, found: machine.found });
    const idle = ~machine.sleepers.enabledThreads();
    states.push({ key: identity.now(), returned: machine.returned, moved: thread, idle });
  }
  const begin = states.findIndex(({ key }) => key === states.at(-1)?.key);
  const lap = states.slice(begin + 1);
  const isFair = all.every((thread) =>
    lap.some(({ moved, idle }) => moved === thread || (idle & (1 << thread)) !== 0),
  );
  const threads = all.filter(
    (thread) =>
      machine.sleepers.status(thread) !== STATUS.done &&
      !lap.some(({ returned }) => (returned & (1 << thread)) !== 0),
  );
  if (lap.length === 0 || !isFair || threads.length === 0) return null;
  const way = schedule.slice(0, begin);
  const round = { threads, way, lap: schedule.slice(begin) };
  // Where nobody writes, nothing ever changes: then it is not only one way among others.
  const isStill = steps.slice(begin).every(onlyReads);
  const [rule, what] = isStill ? ['progress', WOULD] : ['starvation', COULD];
  return found(new Stagehand(scenario), round, rule as string, what as string);
}

function onlyReads({ access, found }: Step): boolean {
  return access !== null && effectsOf(access.kind, access.a, found) === READS;
}
