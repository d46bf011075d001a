/**
 * The end of a JavaScript thread that is still attached: a worker that returns, throws, or calls
 * `process.exit`. Node tells of it, once nothing else runs on the thread; then it leaves its heaps.
 *
 * Nobody tells of `worker.terminate()`, nor of any end of a browser's worker. The main thread's end
 * is that of the process and of all its heaps, so nothing is kept there: a heap that a program has
 * forgotten would stay in memory until then.
 */

interface ProcessEvents {
  on(event: 'exit', listener: () => void): unknown;
  off(event: 'exit', listener: () => void): unknown;
  getBuiltinModule?(name: string): WorkerThreads | undefined;
}

interface WorkerThreads {
  readonly isMainThread?: boolean;
  readonly threadId?: number;
}

/** What each attached thread of this JavaScript thread does at its end. */
const leaves = new Set<() => void>();

function workerThreads(): {
  readonly process: ProcessEvents | undefined;
  readonly threads: WorkerThreads | undefined;
} {
  const { process } = globalThis as { process?: ProcessEvents };
  return { process, threads: process?.getBuiltinModule?.('node:worker_threads') };
}

/** Node's, in a worker; undefined elsewhere. */
function eventsOfWorker(): ProcessEvents | undefined {
  const { process, threads } = workerThreads();
  return threads?.isMainThread === false ? process : undefined;
}

/** Number of this JavaScript thread, and of no other in the process, ever; null: unknown. */
export function numberOfThread(): number | null {
  const number = workerThreads().threads?.threadId;
  return Number.isSafeInteger(number) && (number as number) >= 0 ? (number as number) : null;
}

/** Calls `leave` when this JavaScript thread ends, unless what is returned was called before. */
export function atThreadEnd(leave: () => void): () => void {
  const events = eventsOfWorker();
  if (events === undefined) return () => {};
  // One listener for all of them: Node warns of more than ten.
  if (leaves.size === 0) events.on('exit', leaveAll);
  leaves.add(leave);
  return () => {
    leaves.delete(leave);
    if (leaves.size === 0) events.off('exit', leaveAll);
  };
}

function leaveAll(): void {
  for (const leave of leaves) {
    try {
      leave();
    } catch {
      // Then the thread's record stays as it is, and whoever waits for it is told its name. An
      // error here would only hide what ended the thread.
    }
  }
}
