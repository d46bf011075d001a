/**
 * Early returns: the seam lets `awaitChange` return for no reason, and a caller that does not look
 * again is wrong. A scenario says how many early returns an execution may have in all.
 *
 * An early return is a step of its own, which takes the thread off its word's list of sleepers. Who
 * it takes off makes a difference to a `notify` of that word, and to nothing else: that is what it
 * depends on (access.ts). It would depend on other early returns too if they shared one allowance,
 * for the last to be had would be taken by one thread from another. So they are
 * shared out to the threads before an exploration, and all ways to share out so many or fewer are
 * explored.
 *
 * Fewer too, because a thread that still has one uses it rather than sleep for ever: that it gets
 * stuck after two early returns is found where it has two.
 *
 * A `notify` that wakes a thread takes its early return away, so no race with that is ever in the
 * execution to be seen. Instead the thread is tried in the state before the `notify`, where it
 * could have returned: Explorer.settle.
 */

/** All ways to share out `total` early returns or fewer, the fewest first. */
export function shareEarlyReturns(threads: number, total: number): readonly (readonly number[])[] {
  const shares: number[][] = [];
  for (let sum = 0; sum <= total; sum++) shares.push(...shareAll(threads, sum));
  return shares;
}

/** All ways to share out exactly `sum`. */
function shareAll(threads: number, sum: number): number[][] {
  if (threads === 1) return [[sum]];
  return Array.from({ length: sum + 1 }, (_, own) =>
    shareAll(threads - 1, sum - own).map((others) => [own, ...others]),
  ).flat();
}
