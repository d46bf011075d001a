/** The command line: which commands and options there are, and what they are given. */
import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { Shard } from '../../checker/check/document.js';
import { ENTRY_FORMATS } from '../../core/pgtable/formats/index.js';
import { GEOMETRIES } from '../../core/pgtable/geometry.js';
import { CORES } from '../../core/variants/core.js';
import { addImport, type ImportFlags } from '../import/import.js';

export interface CommonFlags {
  readonly json?: boolean;
}

export interface CompareFlags extends CommonFlags {
  readonly gp?: number;
  readonly design?: readonly string[];
  readonly html?: string;
  readonly perfetto?: string;
  readonly defer: number;
  readonly seed: number;
  readonly repeat: number;
  readonly counts?: boolean;
}

export interface OracleFlags extends CommonFlags {
  readonly design?: string;
}

export interface ReplayFlags extends CommonFlags {
  readonly threads: number;
  readonly readers?: number;
  readonly design: string;
  readonly sharing: 'mm' | 'all';
  readonly geometry?: string;
  readonly seed: number;
  readonly pages?: number;
  readonly gp?: number;
  readonly through?: 'pgtable';
}

export interface CheckFlags extends CommonFlags {
  readonly list?: boolean;
  readonly design?: string;
  readonly schedule?: string;
  readonly naive?: boolean;
  readonly preemptions?: number;
  readonly random?: number;
  readonly pct?: number;
  readonly depth: number;
  readonly seed: number;
  readonly steps?: number;
  readonly mutants: boolean;
  readonly mutant?: string;
  readonly large?: boolean;
  readonly jobs: number;
  readonly shard?: Shard;
  readonly ktap?: boolean;
}

export interface ImageFlags extends CommonFlags {
  readonly geometry: string;
  readonly output: string;
}

/** What the commands do. */
export interface Actions {
  compare(traces: readonly string[], flags: CompareFlags): Promise<void>;
  replay(trace: string, flags: ReplayFlags): Promise<void>;
  oracle(traces: readonly string[], flags: OracleFlags): Promise<void>;
  import(file: string, flags: ImportFlags): Promise<void>;
  demo(flags: CommonFlags): Promise<void>;
  check(scenarios: readonly string[], flags: CheckFlags): Promise<void>;
  merge(files: readonly string[], flags: CommonFlags): Promise<void>;
  image(mappings: string, flags: ImageFlags): Promise<void>;
  doctor(flags: CommonFlags): Promise<void>;
}

/** Texts that depend on the package as it is installed. */
export interface PackageFacts {
  readonly version: string;
  /** Names of the recordings that come with it. */
  readonly recordings: readonly string[];
}

const EXIT_CODES = `
Exit codes: 0 holds; 1 a rule was violated or a comparison failed; 2 usage or
input error; 3 inconclusive, a bound was reached; 130 interrupted.`;

const EXAMPLES = `
Examples:
  ptfrag demo                          what this is about, in half a minute
  ptfrag compare                       designs on all recordings of the package
  ptfrag compare s390x/mix --json      one of them, as one JSON document
  ptfrag compare --html report.html    charts of pages over time, in one file
  ptfrag compare --defer 0.3 --counts  what deferred frees cost, and why
  ptfrag replay s390x/mix --threads 2  on real threads, all rules checked
  ptfrag oracle                        rules of Linux against what Linux did
  ptfrag check                         every interleaving of small scenarios`;

const IMAGE_HELP = `
A va or pfn may be a text, "0x7f0000001000"; prot is a sum of 1 read, 2 write,
4 exec, 8 young, 16 dirty. Choose frames where the tables are not: see base and
bytes of PREFIX.json.
`;

const THREADS = 64;
const GP = [1, 1e9] as const;
const SEEDS = [0, 2 ** 32 - 1] as const;
const REPEAT = [1, 1e6] as const;

/** Throws `CommanderError` for what it does not understand, and for --help and --version. */
export function buildProgram(actions: Actions, facts: PackageFacts): Command {
  const program = new Command('ptfrag')
    .description('Page-table fragments in shared memory, every free through RCU.')
    .version(facts.version)
    .usage('COMMAND [options]')
    // Errors are reported by the caller, as a line or as a document.
    .configureOutput({ outputError: () => {} })
    .exitOverride();
  addDemo(program, actions);
  addCompare(program, actions, facts);
  addReplay(program, actions, facts);
  addOracle(program, actions, facts);
  addImport(program, actions);
  addCheck(program, actions);
  addMerge(program, actions);
  addImage(program, actions);
  addDoctor(program, actions);
  return program.addHelpText('after', `${EXAMPLES}\n${EXIT_CODES}`);
}

function addDemo(program: Command, actions: Actions): void {
  program
    .command('demo')
    .summary('a comparison, a replay, and what to try next')
    .description('Compares designs on two recordings, then replays one on real threads.')
    .addOption(jsonOption())
    .addHelpText('after', EXIT_CODES)
    .action((flags: CommonFlags) => actions.demo(flags));
}

function addCompare(program: Command, actions: Actions, facts: PackageFacts): void {
  program
    .command('compare')
    .summary('designs side by side on recordings of real kernels')
    .description(
      'Does again what real kernels did, under several designs, and counts pages. The verdict is ' +
        'about common: it holds no more than the kernel did.',
    )
    .argument('[TRACE...]', 'recordings (default: all of the package that fit)')
    .addOption(wholeOption('--gp <us>', 'length of real grace periods (default: as recorded)', GP))
    .option('--design <name>', 'set beside common; repeatable (default: all that fit)', collect)
    .option('--html <file>', 'write a report with charts, to be opened in a browser')
    .option('--perfetto <file>', 'write a trace for ui.perfetto.dev; gzipped if named *.gz')
    .addOption(shareOption('--defer <share>', 'of the frees, by pte_free_defer: 0 to 1').default(0))
    .addOption(wholeOption('--seed <n>', 'which frees --defer means', SEEDS).default(1))
    .addOption(wholeOption('--repeat <k>', 'so many copies over each other', REPEAT).default(1))
    .option('--counts', 'also waits, callbacks, locks and atomic operations')
    .addOption(jsonOption())
    .addHelpText('after', recordingsHelp(facts) + EXIT_CODES)
    .action((traces: string[], flags: CompareFlags) => actions.compare(traces, flags));
}

function addReplay(program: Command, actions: Actions, facts: PackageFacts): void {
  const sharings = ['mm', 'all'];
  const geometries = Object.keys(GEOMETRIES);
  program
    .command('replay')
    .summary('one design on real threads, all rules checked')
    .description(
      'Does what a recording says on real threads, while others read. With --threads 1 the ' +
        "recording's own clock decides, and the figures are those of compare. Through page " +
        'tables it does what the processes did: faults, unmaps, forks and exits.',
    )
    .argument('<TRACE>', 'a recording')
    .addOption(wholeOption('--threads <n>', 'that allocate and free', [1, THREADS]).default(2))
    .addOption(wholeOption('--readers <n>', 'threads that read (default: 2)', [0, THREADS]))
    .addOption(new Option('--through <what>', 'walk, map and collapse, too').choices(['pgtable']))
    .option('--design <name>', 'on threads there is only common', 'common')
    .addOption(new Option('--sharing <with>', 'who shares pages').choices(sharings).default('mm'))
    .addOption(new Option('--geometry <name>', "not the recording's own").choices(geometries))
    .addOption(wholeOption('--seed <n>', 'of what is left to chance', [0, 2 ** 32 - 1]).default(1))
    .addOption(wholeOption('--pages <n>', 'of the heap (default: plenty)', [1, 2 ** 24]))
    .addOption(wholeOption('--gp <us>', 'length of grace periods; with --threads 1 only', GP))
    .addOption(jsonOption())
    .addHelpText('after', recordingsHelp(facts) + EXIT_CODES)
    .action((trace: string, flags: ReplayFlags) => actions.replay(trace, flags));
}

function addOracle(program: Command, actions: Actions, facts: PackageFacts): void {
  program
    .command('oracle')
    .summary('a rule of Linux against what that Linux did')
    .description(
      'Does again what a real kernel did, by its rule, and checks each allocation: the page, the ' +
        'fragment, fresh or reused, and why.',
    )
    .argument('[TRACE...]', 'recordings (default: all of the package that fit, in all forms)')
    .option('--design <name>', "the rule (default: the recorded kernel's own)")
    .addOption(jsonOption())
    .addHelpText('after', recordingsHelp(facts) + EXIT_CODES)
    .action((traces: string[], flags: OracleFlags) => actions.oracle(traces, flags));
}

function addCheck(program: Command, actions: Actions): void {
  const whole = (flags: string, text: string, least = 1): Option =>
    wholeOption(flags, text, [least, 2 ** 31]);
  const jobs = Math.min(THREADS, availableParallelism());
  program
    .command('check')
    .summary('every interleaving of small scenarios, over the code that ships')
    .description(
      'Explores scenarios: a few threads that meet in one page, list, lock or grace period. ' +
        'Without a mode each is explored completely, one execution for each trace. Then each of ' +
        'their mutants, a build with one safeguard taken out, must be caught.',
    )
    .argument('[SCENARIO...]', 'by name (default: all but the large ones)')
    .option('--list', 'name all scenarios, and what each asks')
    .option('--schedule <s>', 'replay one schedule of one scenario')
    .addOption(
      new Option('--design <name>', 'only of that core (default: of all)').choices(
        CORES.map(({ name }) => name),
      ),
    )
    .option('--no-mutants', 'the scenarios alone')
    .option('--mutant <name>', 'that mutant alone, and how it is caught')
    .option('--large', 'the large scenarios too')
    .option('--naive', 'every interleaving, without reduction')
    .addOption(whole('--preemptions <n>', 'bounded: at most so many preemptions', 0))
    .addOption(whole('--random <n>', 'so many executions at random'))
    .addOption(whole('--pct <n>', 'so many executions by PCT'))
    .addOption(whole('--depth <n>', 'of PCT').default(3))
    .addOption(wholeOption('--seed <n>', 'of --random and --pct', [0, 2 ** 32 - 1]).default(1))
    .addOption(whole('--steps <n>', 'stop a scenario after so many'))
    .addOption(wholeOption('--jobs <n>', 'threads that explore', [1, THREADS]).default(jobs))
    .addOption(
      new Option('--shard <i/n>', 'only every n-th, from the i-th; see merge').argParser(
        parseShard,
      ),
    )
    .option('--ktap', 'print KTAP, for CI')
    .addOption(jsonOption())
    .addHelpText('after', EXIT_CODES)
    .action((scenarios: string[], flags: CheckFlags) => actions.check(scenarios, flags));
}

function parseShard(text: string): Shard {
  const [, i = 0, n = 0] = /^(\d{1,6})\/(\d{1,6})$/.exec(text) ?? [];
  const [index, count] = [Number(i), Number(n)];
  if (index >= 1 && index <= count) return { index, count };
  throw new InvalidArgumentError('Expected i/n, for example 1/4.');
}

function addMerge(program: Command, actions: Actions): void {
  program
    .command('merge')
    .summary('one result from those of the shards of a check')
    .description(
      'Reads what `check --shard i/n --json` printed, one file for each shard, and says what the ' +
        'whole check would have said. Refuses what does not belong together.',
    )
    .argument('<FILE...>', 'a JSON document of check')
    .addOption(jsonOption())
    .addHelpText('after', EXIT_CODES)
    .action((files: string[], flags: CommonFlags) => actions.merge(files, flags));
}

function addImage(program: Command, actions: Actions): void {
  program
    .command('image')
    .summary("page tables as a machine's MMU reads them")
    .description(
      'Maps a list of pages and writes the tables to PREFIX.bin, as they lie in physical memory, ' +
        'and what a machine must be given to walk them to PREFIX.json.',
    )
    .argument('<MAPPINGS>', 'a JSON list, [{"va": 4096, "pfn": 7, "prot": 3}, ...]')
    .addOption(
      new Option('--geometry <name>', 'whose page tables')
        .choices(Object.keys(ENTRY_FORMATS))
        .makeOptionMandatory(),
    )
    .requiredOption('-o, --output <prefix>', 'of the two files')
    .addOption(jsonOption())
    .addHelpText('after', IMAGE_HELP + EXIT_CODES)
    .action((mappings: string, flags: ImageFlags) => actions.image(mappings, flags));
}

function addDoctor(program: Command, actions: Actions): void {
  program
    .command('doctor')
    .summary('what this machine supports, and why not')
    .description('Tries what ptfrag needs: shared memory, threads that can wait, room.')
    .addOption(jsonOption())
    .addHelpText('after', EXIT_CODES)
    .action((flags: CommonFlags) => actions.doctor(flags));
}

function jsonOption(): Option {
  return new Option('--json', 'one JSON document on stdout; all else goes to stderr');
}

function recordingsHelp({ recordings }: PackageFacts): string {
  return `\nA TRACE is a file, or a recording of the package:\n  ${recordings.join('\n  ')}\n`;
}

function wholeOption(
  flags: string,
  description: string,
  [least, most]: readonly [number, number],
): Option {
  return new Option(flags, description).argParser((text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
  });
}

function shareOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser((text) => {
    const value = /^(?:\d+|\d*\.\d+)$/.test(text) ? Number(text) : Number.NaN;
    if (value >= 0 && value <= 1) return value;
    throw new InvalidArgumentError('Expected a number from 0 to 1.');
  });
}

function collect(name: string, before: readonly string[] = []): readonly string[] {
  return [...before, name];
}
