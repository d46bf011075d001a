/**
 * Running scenarios of a build in a process of their own: a mutant may fill all memory or never
 * end, and neither may end who asks.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const WORKER = fileURLToPath(new URL('worker.mjs', import.meta.url));
const CATALOGUE = new URL('../../dist/checker/proof/catalogue.js', import.meta.url).href;
const LOAD_SECONDS = 60;
const MEMORY_MIB = 1024;

/** Modules that were loaded stay in memory. */
const JOBS_MAX = 100;

/** Runs of a function that was compiled into its caller are not counted. */
const COUNTED = ['--no-turbo-inlining', '--no-maglev-inlining'];

/** Nor are all those of compiled code: only what some scenario runs is known, not what each does. */
const EXACT = ['--no-opt'];

/** Processes that explore, one after the other; each for many builds, as long as all goes well. */
export class Lane {
  constructor(execArgv = []) {
    this.execArgv = [`--max-old-space-size=${MEMORY_MIB}`, ...execArgv];
    this.child = null;
    this.jobs = 0;
  }

  /**
   * Explores `scenarios` of a catalogue in order, up to the first that fails, and gives each outcome
   * to `onOutcome`. Each may take its `seconds`. Resolves to null where all was done, or else to
   * what was under way and how it ended: `hangs`, or `crashes`.
   */
  async explore({ catalogue, scenarios, covers = false }, onOutcome) {
    this.child ??= fork(WORKER, [], {
      execArgv: this.execArgv,
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    const broken = await ask(this.child, { catalogue, scenarios, covers }, onOutcome);
    this.jobs++;
    if (broken !== null || this.jobs === JOBS_MAX) this.end();
    return broken;
  }

  end() {
    this.child?.kill('SIGKILL');
    this.child = null;
    this.jobs = 0;
  }
}

function ask(child, job, onOutcome) {
  const limits = new Map(job.scenarios.map(({ name, seconds }) => [name, seconds]));
  return new Promise((resolve, reject) => {
    let under = { name: job.scenarios[0].name, how: 'crashes' };
    const hang = () => {
      under = { ...under, how: 'hangs' };
      child.kill('SIGKILL');
    };
    let timer = setTimeout(hang, LOAD_SECONDS * 1000);
    const finish = (settle) => {
      clearTimeout(timer);
      child.off('message', onMessage).off('error', onError).off('exit', onExit);
      settle();
    };
    const onError = (error) => finish(() => reject(error));
    const onExit = () => finish(() => resolve(under));
    const onMessage = ({ begun, ended, done, ...outcome }) => {
      clearTimeout(timer);
      if (ended !== undefined) onOutcome({ name: ended, ...outcome });
      if (done === true) finish(() => resolve(null));
      if (begun === undefined) return;
      under = { name: begun, how: 'crashes' };
      timer = setTimeout(hang, limits.get(begun) * 1000);
    };
    child.on('message', onMessage).on('error', onError).on('exit', onExit);
    child.send(job);
  });
}

/**
 * Explores scenarios of this build and gives what each runs to `onOutcome`: all of it if `isExact`,
 * which takes longer; else together they tell what any of them runs.
 */
export async function cover(scenarios, onOutcome, isExact = false) {
  const lane = new Lane(isExact ? EXACT : COUNTED);
  try {
    const broken = await lane.explore({ catalogue: CATALOGUE, scenarios, covers: true }, onOutcome);
    if (broken !== null) throw new Error(`${broken.name} ${broken.how}`);
  } finally {
    lane.end();
  }
}
