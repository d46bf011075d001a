/**
 * Running scenarios on a build in a process of its own: a mutant may fill all memory or never end,
 * and neither may end who asks.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const WORKER = fileURLToPath(new URL('worker.mjs', import.meta.url));
const LOAD_SECONDS = 60;
const MEMORY_MIB = 1024;

/** Runs of a function that was compiled into its caller are not counted. */
const COUNTED = ['--no-turbo-inlining', '--no-maglev-inlining'];

/** Nor are all those of compiled code: only what some scenario runs is known, not what each does. */
const EXACT = ['--no-opt'];

/**
 * Explores `scenarios` of a build in order, and gives each outcome to `onOutcome`. Each may take
 * its `seconds`. Resolves to null where all was done, or else to what was under way and how it
 * ended: `hangs`, or `crashes`.
 */
export function explore({ url, scenarios, covers = false, isExact = false }, onOutcome) {
  const limits = new Map(scenarios.map(({ name, seconds }) => [name, seconds]));
  const counts = isExact ? EXACT : COUNTED;
  return new Promise((resolve, reject) => {
    const child = fork(WORKER, [], {
      execArgv: [`--max-old-space-size=${MEMORY_MIB}`, ...(covers ? counts : [])],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    let under = { name: scenarios[0].name, how: 'crashes' };
    let isDone = false;
    const hang = () => {
      under = { ...under, how: 'hangs' };
      child.kill('SIGKILL');
    };
    let timer = setTimeout(hang, LOAD_SECONDS * 1000);
    child.on('message', ({ begun, ended, done, ...outcome }) => {
      clearTimeout(timer);
      if (done === true) isDone = true;
      if (ended !== undefined) onOutcome({ name: ended, ...outcome });
      if (begun === undefined) return;
      under = { name: begun, how: 'crashes' };
      timer = setTimeout(hang, limits.get(begun) * 1000);
    });
    child.on('error', reject);
    child.on('exit', () => {
      clearTimeout(timer);
      resolve(isDone ? null : under);
    });
    child.send({ url, scenarios, covers });
  });
}
