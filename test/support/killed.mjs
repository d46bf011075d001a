/** A thread of a test that works on page tables until it is terminated, somewhere. */
import { parentPort, workerData } from 'node:worker_threads';
import { attach, LimitError, OutOfPagesError, UsageError } from '#src/api/index.js';
import { openSpace, PROT } from '#src/api/pgtable/index.js';
import { Prng } from '#src/core/base/prng.js';

const { buffer, mm, seed, pages } = workerData;
const thread = attach(buffer, { name: `killed ${seed}`, lockStallMs: 60_000 });
const space = openSpace(thread, mm);
const { pageBytes } = space;
const random = new Prng(seed);

const address = () => random.below(pages) * pageBytes;
const bytes = () => (1 + random.below(8)) * pageBytes;

const WORK = [
  () => space.mapPage(address(), random.below(1 << 14) * pageBytes, PROT.read | PROT.write),
  () => space.mapPage(address(), random.below(1 << 14) * pageBytes, PROT.read),
  () => space.unmapRange(address(), bytes()),
  () => space.protect(address(), bytes(), PROT.read),
  () => space.fork().exit(),
  () => thread.enterMm(mm),
  () => thread.leaveMm(mm),
  () => thread.poll(),
  () => {
    thread.readLock();
    for (let walks = 0; walks < 8; walks++) space.walk(address());
    thread.readUnlock();
  },
];

parentPort.postMessage('at work');
for (;;) {
  try {
    WORK[random.below(WORK.length)]();
  } catch (error) {
    // Nothing left, or left once too often: the rest is an error of ours.
    const isMeant = error instanceof UsageError && error.code === 'not-a-user';
    if (isMeant || error instanceof LimitError || error instanceof OutOfPagesError) continue;
    throw error;
  }
}
