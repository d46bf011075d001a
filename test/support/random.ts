/** Random scenarios, and all ends that they have by each way to explore them. */
import fc from 'fast-check';
import type { Ending } from '#src/checker/model/ending.js';
import { type Exploration, explore } from '#src/checker/model/explore.js';
import type { Operation } from '#src/checker/model/program.js';
import type { Scenario, Stage } from '#src/checker/model/scenario.js';
import { search } from '#src/checker/model/search.js';
import { Stagehand } from '#src/checker/model/stagehand.js';

type Access = readonly [verb: string, at: number, a: number, b: number];

/** One after another; `skip`, `again` and `assume` go by what the access before has found. */
const instruction: fc.Arbitrary<Access> = fc.tuple(
  fc.constantFrom(
    ...['load', 'glance', 'store', 'cas', 'exchange', 'add', 'and', 'or', 'xor'],
    ...['load', 'store', 'cas', 'sleep', 'nap', 'notify', 'peek', 'poke', 'fill', 'copy'],
    ...['skip', 'again', 'assume'],
  ),
  fc.nat({ max: 2 }),
  fc.nat({ max: 2 }),
  fc.nat({ max: 2 }),
);

interface RandomOperation {
  readonly accesses: readonly Access[];
  /** What it returns: all that it found, the last of it, or nothing. */
  readonly returns: 'all' | 'last' | 'nothing';
  /** What `onReturn` looks at of the memory and of ghost words, and where it tells of itself. */
  readonly looks: number | null;
  readonly hears: number | null;
  readonly tells: number | null;
}

export interface RandomScenario {
  readonly threads: readonly (readonly RandomOperation[])[];
  readonly early: number;
  /** Before which access of the first operation thread 0 kills thread 1. Default: it does not. */
  readonly killsAt?: number;
}

function operationOf(most: number): fc.Arbitrary<RandomOperation> {
  return fc.record({
    accesses: fc.array(instruction, { minLength: 1, maxLength: most }),
    returns: fc.constantFrom('all', 'last', 'nothing'),
    looks: fc.option(fc.nat({ max: 4 }), { freq: 1 }),
    hears: fc.option(fc.nat({ max: 1 }), { freq: 1 }),
    tells: fc.option(fc.nat({ max: 1 }), { freq: 1 }),
  });
}

/** Two threads with more to do, or three with less. */
export function randomScenario(): fc.Arbitrary<RandomScenario> {
  const [long, short] = [operationOf(4), operationOf(2)];
  const one = fc.array(long, { minLength: 1, maxLength: 1 });
  const two = fc.array(short, { minLength: 1, maxLength: 2 });
  const three = fc.array(short, { minLength: 1, maxLength: 1 });
  const threads = fc.oneof(fc.tuple(one, two), fc.tuple(one, one), fc.tuple(three, three, three));
  return fc.record({ threads, early: fc.nat({ max: 1 }) });
}

/** The same, where thread 1 may be killed at any moment. */
export function randomDeath(): fc.Arbitrary<RandomScenario> {
  return fc
    .tuple(randomScenario(), fc.nat({ max: 2 }))
    .map(([drawn, killsAt]) => ({ ...drawn, killsAt }));
}

const KILLER = 0;
const VICTIM = 1;
const SHARED = 3;
const OWN = 2;
const GHOSTS_TOLD = 2;
/** Rounds of an operation. */
const AGAIN_MAX = 2;

/** What was drawn, as a scenario. Plain accesses are of the thread's own words, and of word 2. */
export function scenarioOf({ threads, early, killsAt }: RandomScenario): Scenario {
  return {
    name: 'random',
    about: '',
    rules: [],
    words: SHARED + OWN * threads.length,
    ghostWords: GHOSTS_TOLD + 2 * threads.length,
    threads: threads.length,
    earlyReturns: early,
    ...(killsAt === undefined ? {} : { killed: [VICTIM] }),
    setup: (stage) => ({
      threads: threads.map((operations, thread) =>
        operations.map((operation, at) => {
          const kills = thread === KILLER && at === 0 ? killsAt : undefined;
          return programOf(stage, thread, operation, kills);
        }),
      ),
      onReturn: (thread, at) => {
        const { looks, hears, tells } = (threads[thread] as readonly RandomOperation[])[
          at
        ] as RandomOperation;
        const seen = looks === null ? 0 : stage.memory.peek(looks);
        const heard = hears === null ? 0 : stage.ghost.get(hears);
        const isSilent = looks === null && hears === null;
        if (!isSilent) stage.ghost.set(GHOSTS_TOLD + 2 * thread + at, 1 + seen * 10 + heard * 100);
        if (tells !== null) stage.ghost.set(tells, thread + 1);
      },
    }),
  };
}

function programOf(
  stage: Stage,
  thread: number,
  { accesses, returns }: RandomOperation,
  killsAt: number | undefined,
): Operation {
  return () => {
    const found: unknown[] = [];
    let rounds = 0;
    for (let at = 0; at < accesses.length; at++) {
      if (at === killsAt) stage.kill(VICTIM);
      const [verb, , a] = accesses[at] as Access;
      const isSo = found.at(-1) === a;
      if (verb === 'skip') at += isSo ? 1 : 0;
      else if (verb === 'assume') stage.assume(found.length === 0 || !isSo);
      else if (verb === 'again') at = isSo && rounds++ < AGAIN_MAX ? -1 : at;
      else found.push(perform(stage.memory, thread, accesses[at] as Access) ?? null);
    }
    if (returns === 'nothing') return undefined;
    return returns === 'all' ? found : found.at(-1);
  };
}

function perform(memory: Stage['memory'], thread: number, [verb, at, a, b]: Access): unknown {
  const own = at === 2 ? 2 : SHARED + OWN * thread + at;
  switch (verb) {
    case 'store':
    case 'exchange':
    case 'add':
    case 'and':
    case 'or':
    case 'xor':
      return memory[verb](at, a);
    case 'cas':
      return memory.cas(at, a, b);
    case 'load':
    case 'glance':
      return memory[verb](at);
    case 'sleep':
      return memory.awaitChange(at, a);
    case 'nap':
      return memory.awaitChange(at, a, 1);
    case 'notify':
      return memory.notify(at, a);
    case 'peek':
      return memory.peek(own);
    case 'poke':
      return memory.poke(own, a);
    case 'fill':
      return memory.fill(SHARED + OWN * thread, at, a);
    default:
      return memory.copy(SHARED + OWN * thread + (a % 2), SHARED + OWN * thread + (b % 2), 1);
  }
}

/** By `parts` it is reduced, in three parts. */
export type Way = 'naive' | 'reduced' | 'states' | 'parts';
const PARTS = 3;

export interface Ends {
  readonly complete: boolean;
  /** How each execution ended that broke no rule: the words, the ghosts, and what was returned. */
  readonly ends: readonly string[];
  /** Rules that executions broke. */
  readonly broken: readonly string[];
}

/** All ends of a scenario. */
export function endsOf(scenario: Scenario, way: Way): Ends {
  const ends = new Set<string>();
  const broken = new Set<string>();
  const all: Exploration[] = [];
  const { threads, earlyReturns = 0 } = scenario;
  for (let who = 0; who < (earlyReturns === 0 ? 1 : threads); who++) {
    const early = Array.from({ length: threads }, (_, at) => (at === who ? earlyReturns : 0));
    for (let part = 0; part < (way === 'parts' ? PARTS : 1); part++) {
      const stagehand = new Stagehand(scenario, early);
      const onEnd = (ending: Ending): boolean => {
        if (ending.kind === 'failed') broken.add((ending.error as { rule: string }).rule);
        else ends.add(endOf(scenario, stagehand, ending));
        return false;
      };
      all.push(exploredBy(way, part, scenario, stagehand, onEnd));
    }
  }
  const complete = all.every((each) => each.complete);
  return { complete, ends: [...ends].sort(), broken: [...broken] };
}

function exploredBy(
  way: Way,
  index: number,
  scenario: Scenario,
  { machine }: Stagehand,
  onEnd: (ending: Ending) => boolean,
): Exploration {
  const stepsMax = 2e6;
  if (way === 'states') return search(scenario, machine, { stepsMax, statesMax: 1e6, onEnd });
  const part = way === 'parts' ? { index, count: PARTS } : undefined;
  return explore(machine, { reduce: way !== 'naive', part, stepsMax, onEnd });
}

function endOf(scenario: Scenario, { machine }: Stagehand, ending: Ending): string {
  const { words, ghostWords = 0, threads } = scenario;
  const values = Array.from({ length: words }, (_, at) => machine.state.view(at));
  const ghosts = Array.from({ length: ghostWords }, (_, at) => machine.state.getGhost(at));
  const results = Array.from({ length: threads }, (_, thread) => machine.resultsOf(thread));
  return JSON.stringify([ending, values, ghosts, results]);
}
