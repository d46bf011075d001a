/**
 * `npm run bench`: what the core costs, as a multiple of one compare-and-swap.
 *
 * One thread, pinned to one CPU where that is possible. Each row has a process of its own, so that
 * the compiler has seen nothing else, and in each of its rounds a plain compare-and-swap is timed
 * beside it, so that a machine that gets slower is slower for both. Warmed up with over 100,000
 * operations. Reported: the median time of one operation, its spread over the rounds (half of them
 * lie within), and the median of its ratio to the compare-and-swap. `--json` prints one document.
 * The rows about address spaces are those of bench/walk.mjs, each with a reference of its own.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { attach, createHeap } from 'ptfrag';
import { allocTable } from '#src/core/frag/alloc.js';
import { CALLBACKS } from '#src/core/frag/callback.js';
import { freeTable } from '#src/core/frag/free.js';
import { createMm, initCommonOwner } from '#src/core/frag/mm.js';
import { formatHeap } from '#src/core/mem/heap.js';
import { layoutOf } from '#src/core/mem/regions.js';
import { reserveBuffer, SharedMemory, viewWords } from '#src/core/mem/shared.js';
import { growSupply } from '#src/core/mem/supply.js';
import { geometryNamed, kindsOf } from '#src/core/pgtable/geometry.js';
import { attachThread } from '#src/core/rcu/attach.js';
import { poll } from '#src/core/rcu/callback.js';
import { rcuBarrier } from '#src/core/rcu/wait.js';
import { CORES } from '#src/core/variants/core.js';
import { walkRows } from './walk.mjs';

const OPERATIONS = 32;
const WARM_ROUNDS = 4000;
const ROUNDS = 400;
const BATCH = 20;

function pin() {
  try {
    execFileSync('taskset', ['-pc', '1', String(process.pid)], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** A thread of the core on a heap of its own, with an mm. */
function makeCore() {
  const config = {
    geometry: 's390',
    kinds: kindsOf(geometryNamed('s390')),
    pageShift: 10,
    pagesMax: 256,
    threadsMax: 16,
    mmsMax: 256,
    sharedOwner: false,
    debug: false,
    spins: 100,
  };
  const { words } = layoutOf(config);
  const heap = formatHeap(
    new SharedMemory(viewWords(reserveBuffer(words * 4), 0, words), true),
    config,
  );
  initCommonOwner(heap);
  const core = attachThread(heap, 'epoch');
  growSupply(core, config.pagesMax);
  return { core, mm: createMm(core) };
}

/** The reference: on a word of a page that nobody uses, through the same seam. */
function casOf(core) {
  const { mem, heap } = core;
  const word = heap.words - 64;
  return () => {
    for (let i = 0; i < OPERATIONS; i++) mem.cas(word, 0, 0);
  };
}

/** Alloc, free, and the callback that makes the fragment free again; the pages stay listed. */
function listedRow() {
  const { core, mm } = makeCore();
  const tables = Array.from({ length: 2 * OPERATIONS }, () => allocTable(core, mm, 0));
  for (let i = 0; i < tables.length; i += 2) freeTable(core, mm, tables[i]);
  rcuBarrier(core, CALLBACKS);
  return coreRow(core, mm);
}

/** The same where both fragments come and go, and so does their page, cleared each time. */
function freshRow() {
  const { core, mm } = makeCore();
  return coreRow(core, mm);
}

/** listedRow for a variant of the core. */
function variantRow(name) {
  const variant = CORES.find((each) => each.name === name);
  const { core, mm } = makeCore();
  const tables = Array.from({ length: 2 * OPERATIONS }, () => variant.allocTable(core, mm, 0));
  const run = () => {
    for (let i = 0; i < tables.length; i += 2) variant.freeTable(core, mm, tables[i]);
    poll(core, variant.callbacks, 2 * OPERATIONS);
    for (let i = 0; i < tables.length; i += 2) tables[i] = variant.allocTable(core, mm, 0);
  };
  return { run, cas: casOf(core) };
}

/** The core's own functions, polled once for all frees. */
function coreRow(core, mm) {
  const tables = new Array(OPERATIONS).fill(0);
  const run = () => {
    for (let i = 0; i < OPERATIONS; i++) tables[i] = allocTable(core, mm, 0);
    for (let i = 0; i < OPERATIONS; i++) freeTable(core, mm, tables[i]);
    poll(core, CALLBACKS, 2 * OPERATIONS);
  };
  return { run, cas: casOf(core) };
}

/** As listedRow, through the library, which polls by itself every few frees. */
function libraryRow() {
  const thread = attach(createHeap({ geometry: 's390', pages: 256 }).buffer);
  const mm = thread.createMm();
  const kept = Array.from({ length: 2 * OPERATIONS }, () => thread.allocTable(mm));
  for (let i = 0; i < kept.length; i += 2) thread.freeTable(mm, kept[i]);
  thread.barrier();
  const tables = new Array(OPERATIONS).fill(0);
  const run = () => {
    for (let i = 0; i < OPERATIONS; i++) tables[i] = thread.allocTable(mm);
    for (let i = 0; i < OPERATIONS; i++) thread.freeTable(mm, tables[i]);
  };
  return { run, cas: casOf(makeCore().core) };
}

function sectionRow(flavour) {
  const thread = attach(createHeap({ pages: 1 }).buffer, { flavour });
  const run = () => {
    for (let i = 0; i < OPERATIONS; i++) {
      thread.readLock();
      thread.readUnlock();
    }
    thread.quiescent();
  };
  return { run, cas: casOf(makeCore().core) };
}

function casRow() {
  const cas = casOf(makeCore().core);
  return { run: cas, cas };
}

const REFERENCE = 'compare-and-swap';

const ROWS = {
  [REFERENCE]: casRow,
  'alloc, free and callback, 2 fragments a page': listedRow,
  'alloc, free and callback, fresh pages': freshRow,
  'the first through the library': libraryRow,
  'the first, common-A': () => variantRow('common-A'),
  'the first, common-Y': () => variantRow('common-Y'),
  'read section, epoch': () => sectionRow('epoch'),
  'read section, qsbr': () => sectionRow('qsbr'),
};

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function timeOf(run) {
  const begin = process.hrtime.bigint();
  for (let i = 0; i < BATCH; i++) run();
  return Number(process.hrtime.bigint() - begin) / (BATCH * OPERATIONS);
}

/** One row, in this process. */
function measure(name) {
  const { run, cas } = ROWS[name]();
  for (let i = 0; i < WARM_ROUNDS; i++) run();
  for (let i = 0; i < WARM_ROUNDS; i++) cas();
  const times = [];
  const ratios = [];
  for (let round = 0; round < ROUNDS; round++) {
    const own = timeOf(run);
    times.push(own);
    ratios.push(own / timeOf(cas));
  }
  const middle = median(times);
  const spread = median(times.map((time) => Math.abs(time - middle))) / middle;
  const ratio = name === REFERENCE ? 1 : median(ratios);
  return { name, nsPerOperation: middle, spread, reference: REFERENCE, ratio };
}

/** All rows, each in a process of its own. */
function measureAll() {
  const self = fileURLToPath(import.meta.url);
  return Object.keys(ROWS).map((name) =>
    JSON.parse(execFileSync(process.execPath, [self, '--row', name], { encoding: 'utf8' })),
  );
}

/** Lines of a table: ns, spread, and as how many times the reference. */
function linesOf(title, last, rows) {
  const cells = rows.map(({ name, nsPerOperation, spread, reference, ratio }) => [
    name.padEnd(46),
    nsPerOperation.toFixed(1).padStart(9),
    `${(100 * spread).toFixed(0)} %`.padStart(8),
    ratio.toFixed(1).padStart(8),
    reference === REFERENCE || reference === name ? '' : ` x ${reference}`,
  ]);
  const header = [title.padEnd(46), 'ns'.padStart(9), 'spread'.padStart(8), last.padStart(8)];
  return [header, ...cells].map((line) => line.join('').trimEnd());
}

function print(rows, walks, pinned) {
  const where = pinned ? 'pinned to one CPU' : 'not pinned (no taskset)';
  const lines = [
    ...linesOf('one thread', 'CAS', rows),
    '',
    ...linesOf('address spaces (riscv-sv39)', 'ratio', walks),
  ];
  process.stdout.write(`Node ${process.version}, ${where}\n\n${lines.join('\n')}\n`);
}

const pinned = pin();
const rowAt = process.argv.indexOf('--row');
if (rowAt > 0) {
  process.stdout.write(JSON.stringify(measure(process.argv[rowAt + 1])));
} else {
  const rows = measureAll();
  const walks = walkRows(pinned);
  const head = { schema: 1, command: 'bench', ok: true, verdict: 'holds', node: process.version };
  if (!process.argv.includes('--json')) print(rows, walks, pinned);
  else process.stdout.write(`${JSON.stringify({ ...head, pinned, rows: [...rows, ...walks] })}\n`);
}
