/**
 * `npm run bench:designs [TRACE]`: how fast designs are driven, in events of a recording a second.
 *
 * The recording is read once into memory, then each design is driven by it, with recorded ends and
 * with grace periods of 20 ms, and the oracle is asked about it. Each row has a process of its own,
 * so that the compiler has seen nothing else, pinned to one CPU where that is possible. Reported:
 * the median of the rounds after the first. The last line is the whole of `ptfrag compare`: reading
 * twice, and all designs in both modes.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { geometryNamed } from '#src/core/pgtable/geometry.js';
import { compareTraces } from '#src/lab/compare/compare.js';
import { DesignRun } from '#src/lab/compare/design-run.js';
import { designsFor, makeDesign, makeRule, rulesFor } from '#src/lab/designs/index.js';
import { Oracle } from '#src/lab/oracle/oracle.js';
import { readTrace } from '#src/lab/trace/reader.js';

const ROUNDS = 6;
const GP_US = 20_000;
const SELF = fileURLToPath(import.meta.url);
const [trace = 's390x/mm2b.canon', only, mode] = process.argv.slice(2);
const FILE = fileURLToPath(new URL(`../traces/${trace}.txt.gz`, import.meta.url));

async function load() {
  const events = [];
  const facts = await readTrace(FILE, (event) => events.push({ ...event }));
  return { events, facts, geometry: geometryNamed(facts.geometry) };
}

function consumerOf({ facts, geometry }) {
  if (only === 'oracle') return new Oracle(makeRule(rulesFor(geometry)[0], geometry), facts);
  const design = makeDesign(only, geometry, 'mm', mode);
  return new DesignRun(design, mode === 'gp' ? GP_US : 0);
}

/** Millions of events a second, in the median round. */
function speedOf(loaded) {
  const { events } = loaded;
  const seconds = Array.from({ length: ROUNDS }, () => {
    const consumer = consumerOf(loaded);
    const begin = process.hrtime.bigint();
    for (const event of events) consumer.event(event);
    return Number(process.hrtime.bigint() - begin) / 1e9;
  });
  const sorted = seconds.slice(1).sort((a, b) => a - b);
  return events.length / sorted[sorted.length >> 1] / 1e6;
}

function row(name, rowMode) {
  const speed = execFileSync(process.execPath, [SELF, trace, name, rowMode], { encoding: 'utf8' });
  console.log(`${name.padEnd(13)} ${rowMode.padEnd(10)} ${speed.trim().padStart(6)} M events/s`);
}

function pin() {
  try {
    execFileSync('taskset', ['-pc', '1', String(process.pid)], { stdio: 'ignore' });
  } catch {
    // Not pinned: figures are less steady, and as true.
  }
}

const loaded = await load();
if (only !== undefined) {
  pin();
  console.log(speedOf(loaded).toFixed(2));
} else {
  console.log(`${trace}: ${loaded.events.length} events`);
  for (const name of designsFor(loaded.geometry)) {
    for (const rowMode of ['recorded', 'gp']) row(name, rowMode);
  }
  row('oracle', 'recorded');
  const begin = performance.now();
  await compareTraces([FILE]);
  console.log(`all of compare in ${((performance.now() - begin) / 1000).toFixed(1)} s`);
}
