/**
 * The jobs, by the command whose work they are: a line each. One is loaded in the thread that runs
 * it, and by nobody else.
 */
import type { Work } from './shell/job.js';

type LoadJob = () => Promise<{ readonly work: Work }>;

export const JOBS: Readonly<Record<string, LoadJob>> = {
  compare: () => import('./compare/work.js'),
  replay: () => import('./replay/work.js'),
  torture: () => import('./torture/work.js'),
  oracle: () => import('./oracle/work.js'),
  import: () => import('./import/work.js'),
  check: () => import('./check/work.js'),
  merge: () => import('./merge/work.js'),
  image: () => import('./image/work.js'),
  doctor: () => import('./doctor/work.js'),
};
