/**
 * `npm run bench:scale [TRACE [K...]]`: how designs grow with the number of processes, and whether
 * an event costs the same whatever that number is.
 *
 * K copies of a recording are laid over each other (src/lab/compare/recording.ts), then designs are driven
 * by that, each row in a process of its own, pinned to one CPU where that is possible, after three
 * rounds with one copy, so that the compiler is done. Speed is in CPU time, the collector's and the
 * recording's own included. Waste is what is held beyond the limit, on average.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { geometryNamed } from '#src/core/pgtable/geometry.js';
import { DesignRun } from '#src/lab/compare/design-run.js';
import { Recording, UNCHANGED } from '#src/lab/compare/recording.js';
import { Summarizer } from '#src/lab/compare/summary.js';
import { makeDesign } from '#src/lab/designs/index.js';

const SELF = fileURLToPath(import.meta.url);
const [trace = 's390x/mix.canon', ...rest] = process.argv.slice(2);
const FILE = fileURLToPath(new URL(`../traces/${trace}.txt.gz`, import.meta.url));
const GP_US = 24_000;
const WARM_UP = 3;
const MIB = 2 ** 20;

/** Design, sharing, mode. */
const ROWS = [
  ['common', 'mm', 'recorded'],
  ['common', 'mm', 'gp'],
  ['common', 'all', 'gp'],
  ['s390-6.1', 'mm', 'recorded'],
  ['s390-6.7', 'mm', 'recorded'],
];

function pin() {
  try {
    execFileSync('taskset', ['-pc', '1', String(process.pid)], { stdio: 'ignore' });
  } catch {
    // Not pinned: figures are less steady, and as true.
  }
}

/** Drives a consumer by the whole recording: events, and seconds of CPU time. */
function drive(recording, onEvent) {
  let events = 0;
  const before = process.cpuUsage();
  recording.drive(
    (event) => {
      events++;
      onEvent(event);
    },
    0,
    recording.looks,
  );
  const { user, system } = process.cpuUsage(before);
  return { events, seconds: (user + system) / 1e6 };
}

function driveDesign(recording, [name, sharing, mode]) {
  const { facts, changes } = recording;
  const { repeat } = changes;
  const scale = { pages: repeat * (facts.allocs[0] + facts.allocs[1]), mms: repeat * facts.mms };
  const design = makeDesign(name, geometryNamed(facts.geometry), sharing, mode, scale);
  const run = new DesignRun(design, mode === 'gp' ? GP_US : 0);
  const spent = drive(recording, (event) => run.event(event));
  return { ...spent, ...run.finish(recording) };
}

async function measure(repeat, row) {
  pin();
  const one = await Recording.read(FILE, UNCHANGED);
  for (let round = 0; round < WARM_UP; round++) driveDesign(one, row);
  const recording = await Recording.read(FILE, { ...UNCHANGED, repeat });
  const { events, seconds, kinds, violations } = driveDesign(recording, row);
  if (violations.length > 0) throw new Error(JSON.stringify(violations));
  console.log(JSON.stringify({ speed: events / seconds / 1e6, mean: kinds[0].pages.mean }));
}

/** What all designs of one K have in common. */
async function describe(repeat) {
  const recording = await Recording.read(FILE, { ...UNCHANGED, repeat });
  const summarizer = new Summarizer();
  summarizer.begin(recording.facts);
  const { events } = drive(recording, (event) => summarizer.event(event));
  const { firstUs, lastUs, facts } = recording;
  const { limit, mmsPeak } = summarizer.finish({ ...facts, firstUs, lastUs });
  const mms = repeat * facts.mms;
  const { pageBytes } = geometryNamed(facts.geometry);
  console.log(`K = ${repeat}: ${events} events, ${mms} mms, at most ${mmsPeak} at once`);
  return { limit: limit[0].mean, pageBytes };
}

const [first, ...more] = rest;
if (first === 'alone') await measure(Number(more[0]), more.slice(1));
else {
  for (const repeat of rest.length > 0 ? rest : ['1', '10', '100', '1000']) {
    const { limit, pageBytes } = await describe(Number(repeat));
    for (const row of ROWS) {
      const args = [SELF, trace, 'alone', repeat, ...row];
      const { speed, mean } = JSON.parse(execFileSync(process.execPath, args));
      const [held, waste] = [mean, mean - limit].map((pages) => (pages * pageBytes) / MIB);
      console.log(
        `  ${row.join(' ').padEnd(21)} ${speed.toFixed(2).padStart(6)} M events/s ` +
          `${held.toFixed(2).padStart(9)} MiB held ${waste.toFixed(2).padStart(9)} MiB wasted`,
      );
    }
  }
}
