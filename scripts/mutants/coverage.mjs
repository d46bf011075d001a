/**
 * Which places of the core a scenario runs: V8's own counts, by block. A place is where the
 * innermost block around it ran. Between two calls of `take` the counts begin anew.
 */
import { Session } from 'node:inspector/promises';

/** Begins to count: before the modules are loaded that are counted. */
export async function record() {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  const take = async (url) => {
    const { result } = await session.post('Profiler.takePreciseCoverage');
    const ours = result.filter((module) => module.url.startsWith(`${url}core/`));
    return Object.fromEntries(
      ours.map(({ url: path, functions }) => [path.slice(url.length), ranOf(functions)]),
    );
  };
  return { take };
}

/**
 * What ran, as a list of places in order: from the first to before the second it ran, and so on.
 * Blocks lie in each other, and what is said of an inner one is what counts.
 */
export function ranOf(functions) {
  const blocks = functions
    .flatMap(({ ranges }) => ranges)
    .map(({ startOffset, endOffset, count }) => ({ start: startOffset, end: endOffset, count }))
    .sort((one, other) => one.start - other.start || other.end - one.end);
  const edges = [];
  const around = [];
  let isRunning = false;
  const go = (at, runs) => {
    if (runs === isRunning) return;
    if (edges.at(-1) === at) edges.pop();
    else edges.push(at);
    isRunning = runs;
  };
  const leaveUntil = (at) => {
    while (around.length > 0 && around.at(-1).end <= at) {
      const { end } = around.pop();
      go(end, (around.at(-1)?.count ?? 0) > 0);
    }
  };
  for (const block of blocks) {
    leaveUntil(block.start);
    around.push(block);
    go(block.start, block.count > 0);
  }
  leaveUntil(Number.POSITIVE_INFINITY);
  return edges;
}

/** Whether a place ran, by such a list. */
export function ran(edges, at) {
  let [low, high] = [0, edges.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (edges[middle] <= at) low = middle + 1;
    else high = middle;
  }
  return low % 2 === 1;
}
