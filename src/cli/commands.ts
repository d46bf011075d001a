/**
 * The commands, in the order in which the help names them: a line each, with what the command is
 * for. Only the command that is asked for is loaded.
 */
import type { Command } from './shell/command.js';

type LoadCommand = () => Promise<{ readonly command: Command }>;

export const COMMANDS: readonly (readonly [name: string, about: string, load: LoadCommand])[] = [
  ['demo', 'see what this is about, in half a minute', () => import('./demo/demo.js')],
  ['compare', 'count the pages that several designs need', () => import('./compare/compare.js')],
  ['replay', 'run one design on real threads, with checks', () => import('./replay/replay.js')],
  ['torture', 'let threads loose on a heap, and kill some', () => import('./torture/torture.js')],
  ['oracle', 'hold rules of Linux against what Linux did', () => import('./oracle/oracle.js')],
  ['import', "turn a recorder's text into a recording", () => import('./import/import.js')],
  ['check', 'explore every interleaving of small scenarios', () => import('./check/check.js')],
  ['merge', 'join the results of a check run in parts', () => import('./merge/merge.js')],
  ['image', 'write page tables as a machine reads them', () => import('./image/image.js')],
  ['doctor', 'say what this machine supports', () => import('./doctor/doctor.js')],
];
