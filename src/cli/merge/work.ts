/** The job of `ptfrag merge`: reads what the shards of a check printed, and makes one of it. */
import type { CheckDocument } from '../../checker/check/document.js';
import { mergeFiles } from '../../checker/check/merge.js';

export async function work(files: readonly string[]): Promise<CheckDocument> {
  return mergeFiles(files);
}
