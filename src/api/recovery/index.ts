/** The public names of `ptfrag/recovery`: what a thread that died left is put in order. */
export { type ExitingWorker, type RecoverAtExitOptions, recoverAtExit } from './exit.js';
export {
  holdLifeLock,
  type LifeLocks,
  type RecoverAtReleaseOptions,
  recoverAtRelease,
} from './life-lock.js';
export { type RecoveredThread, recover } from './recover.js';
export { beat, startBeating, traceSections } from './signs.js';
export { type WatchOptions, type WatchReport, watch } from './watch.js';
