/** Running scenarios on a build in a thread, and stopping the thread where it does not end. */
import { Worker } from 'node:worker_threads';

const WORKER = new URL('worker.mjs', import.meta.url);

/**
 * Explores `scenarios` of a build in order, and gives each outcome to `onOutcome`. A scenario may
 * take its `seconds`; one that takes longer ends it all: `hangs` has its name then.
 */
export function explore({ url, scenarios, covers = false }, onOutcome) {
  const limits = new Map(scenarios.map(({ name, seconds }) => [name, seconds]));
  return new Promise((resolve, reject) => {
    const worker = new Worker(WORKER, { workerData: { url, scenarios, covers } });
    let hangs = null;
    let timer = setTimeout(() => stop('import'), LOAD_SECONDS * 1000);
    const stop = (name) => {
      hangs = name;
      worker.terminate();
    };
    worker.on('message', ({ begun, ended, ...outcome }) => {
      clearTimeout(timer);
      if (begun !== undefined) timer = setTimeout(() => stop(begun), limits.get(begun) * 1000);
      else onOutcome({ name: ended, ...outcome });
    });
    worker.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    worker.on('exit', () => {
      clearTimeout(timer);
      resolve({ hangs });
    });
  });
}

const LOAD_SECONDS = 60;
