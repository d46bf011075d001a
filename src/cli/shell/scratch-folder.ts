/** Room for files that a command needs only while it runs. */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Another thread may be writing there when the process ends at once: then it is tried again. */
const RETRIES = 5;

/**
 * Runs the job with the name of a folder that it may make. However the command ends, the folder is
 * removed here, because a job's thread may be stopped anywhere.
 */
export async function withScratchFolder<Result>(
  job: (folder: string) => Promise<Result>,
): Promise<Result> {
  const folder = join(tmpdir(), `ptfrag-${randomBytes(6).toString('hex')}`);
  const remove = (): void => {
    rmSync(folder, { recursive: true, force: true, maxRetries: RETRIES });
  };
  process.on('exit', remove);
  try {
    return await job(folder);
  } finally {
    remove();
    process.off('exit', remove);
  }
}
