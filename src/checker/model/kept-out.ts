/** Threads that are kept out for ever, as failures: of a search of states, and of one schedule. */
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
): Found | null {
  const stagehand = new Stagehand(scenario);
  const { forEver = [] } = stagehand.setup;
  const noEnd = findNoEnd(graph, forEver);
  if (noEnd !== null) return found(stagehand, noEnd, 'progress', 'would wait for ever');
  const starved = asksForStarvation ? findStarvation(graph) : null;
  return starved === null ? null : found(stagehand, starved, 'starvation', 'could wait for ever');
}

function found(stagehand: Stagehand, lap: Lap, rule: string, what: string): Found {
  const steps = walk(stagehand.machine, [...lap.way, ...lap.lap]);
  const finding = { rule, detail: detailOf(stagehand, lap.threads, what, lap.lap.length) };
  return { finding, thread: null, steps, stagehand, isLap: true };
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
  for (const thread of schedule) {
    machine.perform(thread);
    const idle = all.filter((each) => !machine.enabled(each));
    const bits = idle.reduce((sum, each) => sum | (1 << each), 0);
    states.push({ key: identity.now(), returned: machine.returned, moved: thread, idle: bits });
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
  return found(new Stagehand(scenario), round, 'starvation', 'could wait for ever');
}
