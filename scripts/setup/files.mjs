/** What the steps of the set-up share: reading what may not be there, and failing with a sentence. */
import { readFileSync } from 'node:fs';

/** A failure that is explained to the person at the terminal; any other shows its stack. */
export class SetupError extends Error {}

/** A file's text, or null when there is none (any more: a neighbour may be at work). */
export function readOptional(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}
