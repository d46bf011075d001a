/**
 * Threads that are kept out for ever, found in the graph of all states.
 *
 * What can go on for ever goes round in states that reach each other. It is only told if it is
 * fair: each thread makes steps in it, or can't make one in some of its states. (Were a thread
 * never let that could make a step all the time, that would be the scheduler's fault.)
 *
 *   progress     from some state on, whatever is done, a thread does not end
 *   starvation   a thread could end, but there is a fair way to go round in which no operation of
 *                it returns
 */
import { setOf } from './bits.js';
import type { Graph, StepNumber } from './graph.js';

/** A way from the start into a lap, and the lap, which leads back to where it begins. */
export interface Lap {
  /** The threads that are kept out. */
  readonly threads: readonly number[];
  readonly way: readonly number[];
  readonly lap: readonly number[];
}

/** A lap that no way leads out of, for some thread that has not ended; null: there is none. */
export function findNoEnd(graph: Graph, endless: readonly number[]): Lap | null {
  const lost = new Uint8Array(graph.states);
  const lostAt = Array.from({ length: graph.threads }, (_, thread) => {
    const goesOn = graph.reaching((state) => getsOn(graph, state, thread, endless));
    goesOn.forEach((reaches, state) => {
      if (reaches === 0) lost[state] = 1;
    });
    return goesOn;
  });
  if (!lost.includes(1)) return null;
  const component = graph.components(
    (state) => lost[state] === 1,
    () => true,
  );
  // A component that none leads out of is fair: whoever could make a step makes it inside.
  const hasWayOut = new Set<number>();
  graph.from.forEach((from, step) => {
    const [here, there] = [component[from], component[graph.to[step] as number]];
    if (here !== there) hasWayOut.add(here as number);
  });
  const isLast = (state: number): boolean =>
    lost[state] === 1 && !hasWayOut.has(component[state] as number);
  const lostIn = (state: number): number[] =>
    lostAt.flatMap((goesOn, thread) => (goesOn[state] === 0 ? [thread] : []));
  return lapInside(graph, component, isLast, lostIn);
}

/**
 * Whether a thread has ended, or an operation of it returns next that goes on for ever. Once all
 * others have ended, nobody has to do anything for it.
 */
function getsOn(graph: Graph, state: number, thread: number, endless: readonly number[]): boolean {
  const bit = 1 << thread;
  if (!endless.includes(thread) || graph.enabled[state] === 0) return isEnded(graph, state, bit);
  const finite = ((1 << graph.threads) - 1) & ~setOf(endless);
  if (finite !== 0 && ((graph.ended[state] as number) & finite) === finite) return true;
  return graph.stepsFrom(state).some((step) => ((graph.returned[step] as number) & bit) !== 0);
}

/** A fair lap in which no operation of a thread returns that has not ended; null: there is none. */
export function findStarvation(graph: Graph): Lap | null {
  for (let thread = 0; thread < graph.threads; thread++) {
    const bit = 1 << thread;
    const isOut = (state: number): boolean => !isEnded(graph, state, bit);
    const keepsOut = (step: StepNumber): boolean => ((graph.returned[step] as number) & bit) === 0;
    const component = graph.components(isOut, keepsOut);
    const fair = fairOf(graph, component, keepsOut);
    const isFair = (state: number): boolean => fair.has(component[state] as number);
    const lap = lapInside(graph, component, isFair, () => [thread], keepsOut);
    if (lap !== null) return lap;
  }
  return null;
}

/** Where all has ended no thread can make a step; where one assumed wrongly, neither. */
function isEnded(graph: Graph, state: number, bit: number): boolean {
  return ((graph.ended[state] as number) & bit) !== 0 || graph.enabled[state] === 0;
}

/** The components with steps inside in which each thread makes one, or can't in some state. */
function fairOf(
  graph: Graph,
  component: Int32Array,
  mayTake: (step: StepNumber) => boolean,
): Set<number> {
  const moves = new Map<number, number>();
  graph.from.forEach((from, step) => {
    const here = component[from] as number;
    if (here < 0 || component[graph.to[step] as number] !== here || !mayTake(step)) return;
    moves.set(here, (moves.get(here) ?? 0) | (1 << (graph.by[step] as number)));
  });
  component.forEach((here, state) => {
    const known = moves.get(here);
    if (known !== undefined) moves.set(here, known | ~(graph.enabled[state] as number));
  });
  const all = (1 << graph.threads) - 1;
  return new Set([...moves].filter(([, by]) => (by & all) === all).map(([here]) => here));
}

/** The shortest way to a state that is wanted, and a fair lap in its component. */
function lapInside(
  graph: Graph,
  component: Int32Array,
  isWanted: (state: number) => boolean,
  threadsAt: (state: number) => readonly number[],
  mayTake: (step: StepNumber) => boolean = () => true,
): Lap | null {
  const way = graph.way(0, isWanted);
  if (way === null) return null;
  const begin = way.length === 0 ? 0 : (graph.to[way.at(-1) as number] as number);
  const isInside = (step: StepNumber): boolean =>
    mayTake(step) && component[graph.to[step] as number] === component[begin];
  const lap = fairLap(graph, begin, isInside);
  const by = (step: StepNumber): number => graph.by[step] as number;
  return { threads: threadsAt(begin), way: way.map(by), lap: lap.map(by) };
}

/** From a state of a component and back, past all that makes it fair. */
function fairLap(
  graph: Graph,
  begin: number,
  isInside: (step: StepNumber) => boolean,
): StepNumber[] {
  const lap: StepNumber[] = [];
  let at = begin;
  const go = (steps: readonly StepNumber[] | null): void => {
    for (const step of steps ?? []) {
      lap.push(step);
      at = graph.to[step] as number;
    }
  };
  for (let thread = 0; thread < graph.threads; thread++) {
    const bit = 1 << thread;
    const moves = (step: StepNumber): boolean => graph.by[step] === thread && isInside(step);
    const canNot = (state: number): boolean => ((graph.enabled[state] as number) & bit) === 0;
    if (lap.some(moves) || canNot(begin)) continue;
    if (lap.some((step) => canNot(graph.to[step] as number))) continue;
    const isFair = (state: number): boolean => canNot(state) || graph.stepsFrom(state).some(moves);
    go(graph.way(at, isFair, isInside));
    if (!canNot(at)) go(graph.stepsFrom(at).filter(moves).subarray(0, 1) as unknown as number[]);
  }
  go(graph.way(at, (state) => state === begin, isInside));
  return lap;
}
