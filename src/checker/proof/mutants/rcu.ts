/** Mutants of readers, grace periods, callbacks and barriers. */
import type { Mutant } from '../../model/mutant.js';

const ATTACH = 'core/rcu/attach.js';
const CALLBACK = 'core/rcu/callback.js';
const QUEUE = 'core/rcu/queue.js';
const GRACE = 'core/rcu/grace-period.js';
const READER = 'core/rcu/reader.js';
const WAIT = 'core/rcu/wait.js';

export const RCU_MUTANTS: readonly Mutant[] = [
  {
    name: 'scan-skips-a-thread',
    about: 'The scan for readers leaves out the last thread.',
    rules: ['G1'],
    file: GRACE,
    find: 'for (let id = 0; id < high; id++)',
    replace: 'for (let id = 0; id < high - 1; id++)',
    scenario: 'reader-vs-grace+callback',
  },
  {
    name: 'grace-ends-unscanned',
    about: 'A grace period ends without a look at the readers.',
    rules: ['G1'],
    file: GRACE,
    find: 'if (completed === started || readerBefore(heap, started) !== null)',
    replace: 'if (completed === started)',
    scenario: 'reader-vs-synchronize+epoch',
  },
  {
    name: 'grace-ends-before-scan',
    about: 'GP_COMPLETED is stored first, and the readers are scanned after it.',
    rules: ['G1'],
    file: GRACE,
    find: 'if (completed === started || readerBefore(heap, started) !== null)',
    replace: `if (completed !== started)
        mem.cas(GP_COMPLETED, completed, started);
    if (completed === started || readerBefore(heap, started) !== null)`,
    scenario: 'reader-vs-grace+callback',
  },
  {
    name: 'scan-takes-last-number-for-new',
    about: 'A section of the grace period before is taken for one that began after.',
    rules: ['G1'],
    file: GRACE,
    find: 'if (reader !== 0 && isBefore(reader, n))',
    replace: 'if (reader !== 0 && isBefore(successor(reader), n))',
    scenario: 'reader-vs-grace+callback',
  },
  {
    name: 'grace-begins-by-store',
    about: 'A late store of GP_STARTED takes back a grace period that began since.',
    rules: ['G1', 'G3'],
    file: GRACE,
    find: 'mem.cas(GP_STARTED, started, successor(started))',
    replace: 'mem.store(GP_STARTED, successor(started))',
    scenario: 'advance-vs-advance+numbers',
  },
  {
    name: 'grace-ends-by-store',
    about: 'A late store of GP_COMPLETED takes back the end of a later grace period.',
    rules: ['G3'],
    file: GRACE,
    find: 'if (mem.cas(GP_COMPLETED, completed, started) === completed)',
    replace: 'mem.store(GP_COMPLETED, started);\n    if (completed < started)',
    scenario: 'advance-vs-advance+numbers',
  },
  {
    name: 'end-loads-started-first',
    about: 'GP_STARTED is loaded before GP_COMPLETED: the first may be older than the second.',
    rules: ['G3'],
    file: GRACE,
    find: `const completed = mem.load(GP_COMPLETED);
    const started = mem.load(GP_STARTED);
    if (completed === started || `,
    replace: `const started = mem.load(GP_STARTED);
    const completed = mem.load(GP_COMPLETED);
    if (completed === started || `,
    scenario: 'advance-vs-advance+numbers',
  },
  {
    name: 'section-not-published',
    about: 'An epoch reader enters without publishing a number.',
    rules: ['G1'],
    file: READER,
    find: 'if (depth === 0) {\n',
    replace: 'if (depth === 0 && thread.qsbr) {\n',
    scenario: 'reader-vs-grace+callback',
  },
  {
    name: 'section-publishes-a-constant',
    about: 'A reader publishes a number without reading GP_STARTED: it looks as if it were new.',
    rules: ['G1', 'G2'],
    file: READER,
    find: "import { graceStarted } from './grace-period.js';",
    replace: 'const graceStarted = () => 1000;',
    scenario: 'reader-vs-grace+callback',
  },
  {
    name: 'section-published-plainly',
    about: 'A reader publishes, and takes back, its number by plain stores.',
    rules: ['G1'],
    file: READER,
    find: 'mem.store(readerWord(thread), graceStarted(thread.heap));\n        }\n        else',
    replace: 'mem.poke(readerWord(thread), graceStarted(thread.heap));\n        }\n        else',
    scenario: 'reader-vs-grace+callback',
  },
  {
    name: 'inner-lock-publishes-again',
    about: 'A nested lock renews the number of the section that is open.',
    rules: ['G1'],
    file: READER,
    find: 'if (depth === 0) {\n',
    replace: 'if (depth === 0 || !thread.qsbr) {\n',
    scenario: 'nested-reader-vs-grace+epoch',
  },
  {
    name: 'inner-unlock-ends-section',
    about: 'The unlock of a nested section publishes 0.',
    rules: ['G1'],
    file: READER,
    find: 'if (depth === 1 && !thread.qsbr)',
    replace: 'if (!thread.qsbr)',
    scenario: 'nested-reader-vs-grace+epoch',
  },
  {
    name: 'qsbr-section-while-offline',
    about: 'A section of a qsbr thread that is offline does not bring it online.',
    rules: ['G1'],
    file: READER,
    find: 'else if (mem.peek(readerWord(thread)) === 0)',
    replace: 'else if (thread === null)',
    scenario: 'reader-vs-grace+callback-qsbr',
  },
  {
    name: 'attach-hides-from-scan',
    about: 'A thread attaches without raising the number of records that scans look at.',
    rules: ['G1'],
    file: ATTACH,
    find: 'raiseHigh(heap, id + 1);',
    replace: '',
    scenario: 'attach-vs-grace+late-reader',
  },
  {
    name: 'attach-tests-then-sets',
    about: 'A thread record is tested by one access and taken by the next.',
    rules: ['R1'],
    file: ATTACH,
    find: 'if (mem.cas(at(record, THREAD.ATTACHED), 0, whose) !== 0)\n            continue;',
    replace: `if (mem.load(at(record, THREAD.ATTACHED)) !== 0)
            continue;
        mem.store(at(record, THREAD.ATTACHED), whose);`,
    scenario: 'attach-vs-attach+records',
  },
  {
    name: 'callback-waits-for-current',
    about: 'A callback waits for the grace period that began already, if one did.',
    rules: ['R2', 'G1'],
    file: CALLBACK,
    find: 'const ahead = graceAhead(thread.heap);',
    replace: 'const ahead = graceAhead(thread.heap) - 1;',
    scenario: 'reader-vs-grace+callback',
  },
  {
    name: 'push-by-store',
    about: 'A head is pushed by a store: what was below may have been taken meanwhile.',
    rules: ['R1', 'P7'],
    file: QUEUE,
    find: 'if (mem.cas(newest, below, head) === below)',
    replace: 'mem.store(newest, head);\n    if (below >= 0)',
    scenario: 'push-vs-take+one-queue',
  },
  {
    name: 'push-keeps-stale-next',
    about: 'A head that is pushed on an emptied queue keeps pointing to what was below.',
    rules: ['R1', 'P7'],
    file: QUEUE,
    find: `    mem.poke((head + NEXT), 0);
    mem.store(newest, head);`,
    replace: '    mem.store(newest, head);',
    scenario: 'push-vs-take+one-queue',
  },
  {
    name: 'take-ignores-ripeness',
    about: 'Callbacks are run whether or not their grace period is over.',
    rules: ['R2'],
    file: QUEUE,
    find: 'const ripe = first !== 0 && graceEnded(heap, ripeAt);',
    replace: 'const ripe = first !== 0 && ripeAt !== 0;',
    scenario: 'reader-vs-grace+callback',
  },
  {
    name: 'batch-ripe-with-oldest',
    about: 'A batch is taken for ripe when its first head is.',
    rules: ['R2'],
    file: QUEUE,
    find: 'const ripeAt = mem.peek(top);',
    replace: `const ripeAt = (() => {
        let oldest = top;
        while (mem.peek(oldest + NEXT) !== 0)
            oldest = mem.peek(oldest + NEXT);
        return mem.peek(oldest);
    })();`,
    scenario: 'reader-vs-grace+batch',
  },
  {
    name: 'two-takers-of-one-queue',
    about: 'Heads are taken without the queue lock.',
    rules: ['R1', 'H2'],
    file: QUEUE,
    find: `if (mem.cas(lock, 0, thread.id + 1) !== 0)
        return 0;`,
    replace: '',
    scenario: 'serve-vs-serve+batch',
  },
  {
    name: 'batch-not-cut',
    about: 'What is left of a batch still hangs on what was taken.',
    rules: ['R1'],
    file: QUEUE,
    find: 'mem.poke((last + NEXT), 0);',
    replace: '',
    scenario: 'serve-vs-serve+batch',
  },
  {
    name: 'rest-of-batch-dropped',
    about: 'What is left of a batch is forgotten.',
    rules: ['R1', 'P6'],
    file: QUEUE,
    find: 'mem.store(at(record, THREAD.QUEUE_WAITING), rest);',
    replace: 'mem.store(at(record, THREAD.QUEUE_WAITING), 0);',
    scenario: 'serve-vs-serve+batch',
  },
  {
    name: 'next-read-after-callback',
    about: 'The next head is looked up after the callback, which may have queued its head again.',
    rules: ['R1', 'P7'],
    file: CALLBACK,
    find: '        head = next;',
    replace: '        head = mem.peek((head + NEXT));',
    scenario: 'exit-vs-callback+pending',
  },
  {
    name: 'barrier-ignores-running',
    about: 'A barrier does not wait for callbacks that another thread runs.',
    rules: ['R3'],
    file: WAIT,
    find: 'someThread(heap, at(record, THREAD.QUEUE_RUNNERS)) === null &&',
    replace: '',
    scenario: 'barrier-vs-callback+other-thread',
  },
  {
    name: 'running-counted-late',
    about: 'A taker counts itself as running only after it let go of the queue.',
    rules: ['R3'],
    file: QUEUE,
    find: `        takeChain(thread, queue, first, max);
    mem.store(lock, 0);`,
    replace: `        takeChain(thread, queue, first, max);
    const runners = at(record, THREAD.QUEUE_RUNNERS);
    if (ripe)
        removeThread(mem, runners, thread.id);
    mem.store(lock, 0);
    if (ripe)
        addThread(mem, runners, thread.id);`,
    scenario: 'barrier-vs-callback+other-thread',
  },
  {
    name: 'running-ends-early',
    about: 'A runner stops counting as running before its callbacks run.',
    rules: ['R3'],
    file: CALLBACK,
    find: `const count = runChain(thread, callbacks, queue, first);`,
    replace: `const runners = at(threadRecord(thread.heap, queue), THREAD.QUEUE_RUNNERS);
    thread.mem.and(runners, ~(1 << thread.id));
    const count = runChain(thread, callbacks, queue, first);
    thread.mem.or(runners, 1 << thread.id);`,
    scenario: 'barrier-vs-callback+other-thread',
  },
  {
    name: 'poll-content-with-own',
    about: "A poll that finds callbacks in its thread's own queue looks at no other.",
    rules: ['P9', 'R1'],
    file: CALLBACK,
    find: 'const own = serveQueue(thread, callbacks, thread.id, max);',
    replace: `const own = serveQueue(thread, callbacks, thread.id, max);
    if (own > 0)
        return own;`,
    scenario: 'poll-vs-reader+idle-queue',
  },
  {
    name: 'barrier-ignores-refused',
    about: 'A barrier does not wait for callbacks that refused.',
    rules: ['R3'],
    file: WAIT,
    find: ' &&\n        mem.load(at(record, THREAD.QUEUE_REFUSED)) === 0;',
    replace: ';',
    scenario: 'stall-vs-barrier+refused',
  },
  {
    name: 'refused-head-dropped',
    about: 'A callback that refused does not run once more.',
    rules: ['L4', 'R1', 'P6', 'P9'],
    file: CALLBACK,
    find: 'putBack(thread, threadRecord(heap, queue), head);',
    replace: '',
    scenario: 'stall-vs-callback+last-table',
  },
  {
    name: 'barrier-leaves-new',
    about: 'A barrier does not move what was queued last into a batch.',
    rules: ['R3'],
    file: WAIT,
    find: `if (idle && !moved)
        refill(thread, record);`,
    replace: '',
    scenario: 'barrier-vs-callback+two-batches',
  },
  {
    name: 'barrier-looks-unlocked',
    about: 'A barrier looks at a queue without its lock.',
    rules: ['R3'],
    file: WAIT,
    find: `if (mem.cas(lock, 0, thread.id + 1) !== 0)
        return barrier;`,
    replace: '',
    scenario: 'barrier-vs-callback+other-thread',
  },
  {
    name: 'synchronize-waits-for-current',
    about: 'synchronizeRcu is content with the end of the grace period that began before it.',
    rules: ['G1'],
    file: WAIT,
    find: 'const n = graceAhead(heap);',
    replace: 'const n = graceAhead(heap) - 1;',
    scenario: 'reader-vs-synchronize+epoch',
  },
];
