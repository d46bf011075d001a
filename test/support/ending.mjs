/** A thread of a test that ends as it is told, attached. */
import { parentPort, workerData } from 'node:worker_threads';
import { attach } from '#src/api/index.js';
import { openSpace, PROT } from '#src/api/pgtable/index.js';

const { buffer, mm, how } = workerData;
const thread = attach(buffer);

function endInSection(end) {
  thread.readLock();
  thread.readLock();
  end();
}

const ENDS = {
  'returns from its file': () => {},
  throws: () => {
    throw new Error('meant');
  },
  'calls process.exit': () => process.exit(3),
  'leaves a rejection to itself': () => void Promise.reject(new Error('meant')),
  'returns inside a section': () => endInSection(() => {}),
  'throws inside a section': () => endInSection(ENDS.throws),
  'calls process.exit inside a section': () => endInSection(ENDS['calls process.exit']),
  'calls process.exit while it maps in slices': () => {
    const onProgress = (done, total) => {
      if (done > 0 && done < total) process.exit(3);
    };
    void openSpace(thread, mm).mapRangeAsync(0, 2 ** 29, 0, PROT.read, { onProgress });
  },
  'is attached to many heaps': () => {
    process.on('warning', (warning) => parentPort.postMessage(warning.message));
    for (let i = 0; i < 14; i++) attach(buffer);
  },
  'waits inside a section': () => {
    parentPort.on('message', () => {});
    endInSection(() => parentPort.postMessage('inside'));
  },
  'runs out of memory': () => {
    thread.detach();
    attach(buffer, { name: 'late' });
    for (const kept = []; ; ) kept.push(Array.from({ length: 1000 }, () => ({})));
  },
  'attaches while it exits': () => {
    // Its listener comes after ours, which a thread adds when it attaches first.
    process.on('exit', () => attach(buffer, { name: 'late' }));
  },
  'catches what it throws': () => {
    process.on('uncaughtException', () => {
      parentPort.postMessage('caught');
      parentPort.once('message', () => process.exit(0));
    });
    throw new Error('meant');
  },
};

ENDS[how]();
