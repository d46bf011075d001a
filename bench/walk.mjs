/**
 * The rows of `npm run bench` about address spaces: what a walk costs, alone and beside others that
 * walk or lock, and how fast ranges are mapped. bench/run.mjs starts this file once for each
 * measurement, so that the compiler has seen nothing else; what is compared takes turns, in one
 * process where it can, else in several, and the ratio is the median of the turns' ratios.
 *
 *   plain     the walk's own code over plain loads, which nothing orders, and no section
 *   alone     walks by one thread: without a section, in one of each flavour, by the library
 *   qsbr      of these the second, to compare with plain
 *   two HOW   two threads, each CPU one: sections, or the lock of the mm or of the table
 *   ranges    a million pages mapped, unmapped, forked
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { openSpace, PROT } from 'ptfrag/pgtable';
import { AttachedThread } from '#src/api/thread.js';
import { createMm, initCommonOwner } from '#src/core/frag/mm.js';
import { formatHeap, openHeap } from '#src/core/mem/heap.js';
import { acquire, release } from '#src/core/mem/lock.js';
import { layoutOf } from '#src/core/mem/regions.js';
import { reserveBuffer, SharedMemory, viewWords } from '#src/core/mem/shared.js';
import { growSupply } from '#src/core/mem/supply.js';
import { formatNamed } from '#src/core/pgtable/formats/index.js';
import { geometryNamed, kindsOf } from '#src/core/pgtable/geometry.js';
import { lockTable, tableLock } from '#src/core/pgtable/lock.js';
import { mapStep } from '#src/core/pgtable/map.js';
import { makeSpace, spaceOf } from '#src/core/pgtable/space.js';
import { walk } from '#src/core/pgtable/walk.js';
import { attachThread } from '#src/core/rcu/attach.js';
import { quiescent, rcuReadLock, rcuReadUnlock } from '#src/core/rcu/reader.js';

const SELF = fileURLToPath(import.meta.url);
const GEOMETRY = 'riscv-sv39';
const FORMAT = formatNamed(GEOMETRY);
const RW = PROT.read | PROT.write;

/** Pages that are walked to: those of one table, found by three loads. */
const HOT = 512;
const FIRST = 0x40000;
const PAGE_BYTES = 4096;

const WALKS = 1 << 15;
const WARM_ROUNDS = 60;
const ROUNDS = 100;
const TURNS = 9;
const RANGE_PAGES = 1 << 20;
const RANGE_ROUNDS = 9;
const WARM_MS = 200;
const MEASURE_MS = 400;

/** A seam whose loads are ordered by nothing: what a walk is that need not be right. */
class PlainMemory extends SharedMemory {
  load(word) {
    return this.words[word];
  }
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

function makeHeap(pagesMax) {
  const config = {
    geometry: GEOMETRY,
    kinds: kindsOf(geometryNamed(GEOMETRY)),
    pageShift: 10,
    pagesMax,
    threadsMax: 8,
    mmsMax: 8,
    sharedOwner: false,
    debug: false,
    spins: 100,
  };
  const { words } = layoutOf(config);
  const buffer = reserveBuffer(words * 4);
  const heap = formatHeap(new SharedMemory(viewWords(buffer, 0, words), true), config);
  initCommonOwner(heap);
  const thread = attachThread(heap, 'epoch');
  growSupply(thread, pagesMax);
  const space = spaceOf(thread, FORMAT, createMm(thread));
  makeSpace(space);
  return { buffer, words, space };
}

/** A space with the hot pages, as a thread of a flavour has it. */
function hotSpace(flavour, Memory = SharedMemory) {
  const { buffer, words, space } = makeHeap(64);
  mapStep(space, FIRST, HOT, 0, RW);
  return openCore({ buffer, words, mm: space.mm }, flavour, Memory);
}

function openCore({ buffer, words, mm }, flavour, Memory = SharedMemory) {
  const heap = openHeap(new Memory(viewWords(buffer, 0, words), true));
  return spaceOf(attachThread(heap, flavour), FORMAT, mm);
}

/** Walks without a section. Each of these returns what it found, so that nothing is left out. */
function walksBare(space) {
  let found = 0;
  for (let i = 0; i < WALKS; i++) found |= walk(space, FIRST + (i & (HOT - 1)));
  return found;
}

function walksInSections(space) {
  const { thread } = space;
  let found = 0;
  for (let i = 0; i < WALKS; i++) {
    rcuReadLock(thread);
    found |= walk(space, FIRST + (i & (HOT - 1)));
    rcuReadUnlock(thread);
  }
  quiescent(thread);
  return found;
}

function walksByLibrary(thread, space) {
  let found = 0;
  for (let i = 0; i < WALKS; i++) {
    thread.readLock();
    found |= space.walk((FIRST + (i & (HOT - 1))) * PAGE_BYTES);
    thread.readUnlock();
  }
  thread.quiescent();
  return found;
}

function walksCached(thread, space, tlb) {
  let found = 0;
  for (let i = 0; i < WALKS; i++) {
    thread.readLock();
    found |= space.walkCached(tlb, (FIRST + (i & (HOT - 1))) * PAGE_BYTES);
    thread.readUnlock();
  }
  thread.quiescent();
  return found;
}

/** Nanoseconds of one walk. */
function timeOf(run) {
  const begin = process.hrtime.bigint();
  if (run() < 0) throw new Error('a walk found nothing');
  return Number(process.hrtime.bigint() - begin) / WALKS;
}

function measureAlone() {
  const bare = hotSpace('qsbr');
  const qsbr = hotSpace('qsbr');
  const epoch = hotSpace('epoch');
  const thread = new AttachedThread(hotSpace('qsbr').thread);
  const space = openSpace(thread, qsbr.mm);
  const tlb = space.createTlb(HOT);
  return inTurns({
    bare: () => walksBare(bare),
    qsbr: () => walksInSections(qsbr),
    epoch: () => walksInSections(epoch),
    library: () => walksByLibrary(thread, space),
    cached: () => walksCached(thread, space, tlb),
  });
}

function measureSections() {
  const space = hotSpace('qsbr');
  return inTurns({ qsbr: () => walksInSections(space) });
}

function measurePlain() {
  const space = hotSpace('qsbr', PlainMemory);
  return inTurns({ plain: () => walksBare(space) });
}

/** Times of each run in each round, after all have been warmed up. */
function inTurns(runs) {
  for (let i = 0; i < WARM_ROUNDS; i++) for (const run of Object.values(runs)) run();
  const times = Object.fromEntries(Object.keys(runs).map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, run] of Object.entries(runs)) times[name].push(timeOf(run));
  }
  return times;
}

/** A walk under a lock, of the mm or of the table of the page. */
const LOCKED = {
  mm(space, vpn) {
    const { thread, record } = space;
    acquire(thread, record);
    const found = walk(space, vpn);
    release(thread, record);
    return found;
  },
  table(space, vpn) {
    const { thread } = space;
    const table = lockTable(space, vpn, 0);
    const found = walk(space, vpn);
    release(thread, tableLock(thread.heap, table));
    return found;
  },
};

function walksLocked(space, locked) {
  let found = 0;
  for (let i = 0; i < WALKS; i++) found |= locked(space, FIRST + (i & (HOT - 1)));
  quiescent(space.thread);
  return found;
}

/** One of two threads: walks per second, while the other does the same. */
function work({ how, gate, ...shared }) {
  const space = openCore(shared, 'qsbr');
  const locked = LOCKED[how];
  const run = () => (locked === undefined ? walksInSections(space) : walksLocked(space, locked));
  const runFor = (ms) => {
    const begin = performance.now();
    let walks = 0;
    for (; performance.now() < begin + ms; walks += WALKS) run();
    return (1000 * walks) / (performance.now() - begin);
  };
  // Both are here before either is measured.
  Atomics.add(gate, 0, 1);
  Atomics.notify(gate, 0);
  while (Atomics.load(gate, 0) < 2) Atomics.wait(gate, 0, 1);
  runFor(WARM_MS);
  const rate = runFor(MEASURE_MS);
  runFor(WARM_MS / 2);
  parentPort.postMessage(rate);
}

async function measureTwo(how) {
  const { buffer, words, space } = makeHeap(64);
  mapStep(space, FIRST, HOT, 0, RW);
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const shared = { how, gate, buffer, words, mm: space.mm };
  const rates = await Promise.all(
    [0, 1].map(() => {
      const worker = new Worker(SELF, { workerData: shared });
      return new Promise((resolve, reject) => worker.on('message', resolve).on('error', reject));
    }),
  );
  return rates[0] + rates[1];
}

function measureRanges() {
  const { space } = makeHeap(8192);
  const thread = new AttachedThread(space.thread);
  const ours = openSpace(thread, space.mm);
  const bytes = RANGE_PAGES * PAGE_BYTES;
  const times = { map: [], fork: [], unmap: [] };
  for (let round = 0; round < RANGE_ROUNDS + 2; round++) {
    const marks = [performance.now()];
    ours.mapRange(0, bytes, 0, RW);
    marks.push(performance.now());
    const child = ours.fork();
    marks.push(performance.now());
    ours.unmapRange(0, bytes);
    marks.push(performance.now());
    child.exit();
    thread.barrier();
    // The first two are for the compiler, and for pages of memory that were never touched.
    if (round < 2) continue;
    Object.values(times).forEach((list, i) => {
      list.push(((marks[i + 1] - marks[i]) * 1e6) / RANGE_PAGES);
    });
  }
  return times;
}

/** One measurement, in a process of its own. `cpus`: what it is pinned to, where that is possible. */
function inProcess(cpus, ...args) {
  const node = [process.execPath, SELF, ...args];
  const [program, ...rest] = cpus === null ? node : ['taskset', '-c', cpus, ...node];
  return JSON.parse(execFileSync(program, rest, { encoding: 'utf8' }));
}

function row(name, times, reference, references) {
  const middle = median(times);
  const spread = median(times.map((time) => Math.abs(time - middle))) / middle;
  const ratio = references === null ? 1 : median(times.map((time, i) => time / references[i]));
  return { name, nsPerOperation: middle, spread, reference, ratio };
}

/** All rows, as those of bench/run.mjs are. */
export function walkRows(pinned) {
  const [one, both] = pinned ? ['1', '0,1'] : [null, null];
  const alone = inProcess(one, 'alone');
  const turns = Array.from({ length: TURNS }, () => ({
    qsbr: median(inProcess(one, 'qsbr').qsbr),
    plain: median(inProcess(one, 'plain').plain),
    sections: inProcess(both, 'two', 'sections'),
    mm: inProcess(both, 'two', 'mm'),
    table: inProcess(both, 'two', 'table'),
  }));
  const of = (name) => turns.map((turn) => turn[name]);
  // Nanoseconds between two walks of either thread.
  const every = (name) => of(name).map((rate) => 1e9 / rate);
  const ranges = inProcess(one, 'ranges');
  const [bare, section] = ['walk, no section', 'walk in a qsbr section'];
  const mapped = 'mapRange of a million pages, each';
  const two = 'two threads, walks in qsbr sections';
  return [
    row(bare, alone.bare, bare, null),
    row(section, alone.qsbr, bare, alone.bare),
    row('the same', of('qsbr'), 'walk over plain loads', of('plain')),
    row('walk in an epoch section', alone.epoch, bare, alone.bare),
    row('the library, walk in a qsbr section', alone.library, section, alone.qsbr),
    row('the library, by way of a TLB that has it', alone.cached, section, alone.qsbr),
    row(two, every('sections'), two, null),
    row('two threads, under the mm lock', every('mm'), two, every('sections')),
    row('two threads, under the table lock', every('table'), two, every('sections')),
    row(mapped, ranges.map, mapped, null),
    row('unmapRange, each', ranges.unmap, mapped, ranges.map),
    row('fork, each', ranges.fork, mapped, ranges.map),
  ];
}

const MEASURES = {
  alone: measureAlone,
  qsbr: measureSections,
  plain: measurePlain,
  two: measureTwo,
  ranges: measureRanges,
};

if (!isMainThread) work(workerData);
else if (process.argv[1] === SELF) {
  const [, , what, how] = process.argv;
  process.stdout.write(JSON.stringify(await MEASURES[what](how)));
}
