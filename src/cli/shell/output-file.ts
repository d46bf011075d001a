/**
 * Files that a command leaves behind: the one way to them. Each is there as a whole or not at all,
 * however the command ends, and replaces nothing but a regular file that the command doesn't read.
 *
 * A file is opened under a name of its own before the work begins: nobody wants to learn after a
 * minute that it can't be written. The job, in its thread, writes through the descriptor. When all
 * is written the file gets its name. Names come and go in the main thread alone, in steps that no
 * signal interrupts, so a process that ends at once can remove them, too.
 */
import { randomBytes } from 'node:crypto';
import {
  type BigIntStats,
  closeSync,
  fstatSync,
  lstatSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { InputError, UsageError } from '../../core/base/errors.js';
import { notWritten, type OpenOutput, type Output, reasonOf } from './output-stream.js';

/** For what is needed only until the outputs are whole: a file without a name, by descriptor. */
export type OpenScratch = () => number;

/**
 * Opens the outputs, runs the job, and gives them their names if it succeeds. Throws `UsageError`
 * where one can't be written, or would replace an input or another output.
 */
export async function withOutputs<Result>(
  outputs: readonly Output[],
  inputs: readonly string[],
  job: (opened: readonly OpenOutput[], openScratch: OpenScratch) => Promise<Result>,
): Promise<Result> {
  const files = new OutputFiles(inputs);
  const discard = (): void => files.discard();
  process.on('exit', discard);
  try {
    const opened = outputs.map((output) => ({ ...output, fd: files.open(output) }));
    const result = await job(opened, () => files.openScratch());
    files.commit();
    return result;
  } finally {
    discard();
    process.off('exit', discard);
  }
}

interface OpenFile {
  readonly output: Output;
  /** Its name until it is whole. */
  readonly aside: string;
  /** Its name then: where links lead. */
  readonly target: string;
}

/** What must not be replaced, by what it is and not by its name; and why. */
type Taken = Map<string, string>;

class OutputFiles {
  private readonly inputs: readonly string[];
  private readonly taken: Taken;
  private readonly files: OpenFile[] = [];
  private readonly descriptors: number[] = [];

  constructor(inputs: readonly string[]) {
    this.inputs = inputs;
    this.taken = takenBy(inputs);
  }

  open(output: Output): number {
    const { option, file } = output;
    try {
      const { target, found } = placeOf(file);
      const key = found === null ? target : keyOf(found);
      const why = this.taken.get(key);
      if (why !== undefined) throw new Refusal(why);
      const aside = asideOf(target);
      const fd = openSync(aside, 'wx', found === null ? 0o666 : Number(found.mode & 0o777n));
      this.descriptors.push(fd);
      this.files.push({ output, aside, target });
      this.taken.set(key, `${option} writes it`);
      return fd;
    } catch (error) {
      this.requireInputs();
      throw new UsageError(
        'bad-output',
        `${option}: '${file}' can't be written: ${reasonOf(error)}`,
      );
    }
  }

  /** In the folder of the first output, where there must be room anyway. */
  openScratch(): number {
    const [{ target }] = this.files as [OpenFile];
    const name = asideOf(target);
    const fd = openSync(name, 'wx+');
    this.descriptors.push(fd);
    rmSync(name);
    return fd;
  }

  /** Looks at all places again before the first of them changes. */
  commit(): void {
    this.close();
    for (const { output, target } of this.files) attempt(output, () => placeOf(target));
    for (const { output, aside, target } of this.files) {
      attempt(output, () => renameSync(aside, target));
    }
  }

  /** Removes what did not get its name. */
  discard(): void {
    this.close();
    for (const { aside } of this.files.splice(0)) rmSync(aside, { force: true });
  }

  private close(): void {
    for (const fd of this.descriptors.splice(0)) closeSync(fd);
  }

  /** Where an input is not there, that is what is wrong. */
  private requireInputs(): void {
    const expected = 'a file that can be read';
    for (const file of this.inputs) {
      if (inputOf(file) !== null) continue;
      const place = { code: 'not-found', file, line: 0, expected };
      throw new InputError(`${file} is not there; expected ${expected}`, place);
    }
  }
}

/** Why a place can't be written, where the system doesn't say it. */
class Refusal extends Error {}

/** What is read, and where what is printed goes. */
function takenBy(inputs: readonly string[]): Taken {
  const taken: Taken = new Map();
  for (const [fd, name] of [
    [1, 'stdout'],
    [2, 'stderr'],
  ] as const) {
    const stat = statOf(fd);
    if (stat !== null) taken.set(keyOf(stat), `${name} goes there`);
  }
  for (const file of inputs) {
    const stat = inputOf(file);
    if (stat !== null) taken.set(keyOf(stat), `it is read: ${file}`);
  }
  return taken;
}

/** Where a file will be, and what is there: nothing, or a regular file. A link stays a link. */
function placeOf(file: string): { readonly target: string; readonly found: BigIntStats | null } {
  if (file === '' || file === '-' || file.endsWith('/')) {
    throw new Refusal('expected the name of a file');
  }
  const link = lstatSync(file, { throwIfNoEntry: false });
  if (link === undefined) {
    return { target: join(realpathSync(dirname(file)), basename(file)), found: null };
  }
  const found = statOf(file);
  if (found === null) throw new Refusal('it is a link to nothing');
  if (found.isDirectory()) throw new Refusal('it is a directory');
  if (!found.isFile()) throw new Refusal('it is not a regular file');
  return { target: realpathSync(file), found };
}

function inputOf(file: string): BigIntStats | null {
  return statOf(file === '-' ? 0 : file);
}

/** Null: there is none, or none that can be looked at. */
function statOf(file: string | number): BigIntStats | null {
  try {
    const options = { bigint: true } as const;
    return typeof file === 'number' ? fstatSync(file, options) : statSync(file, options);
  } catch {
    return null;
  }
}

/** The same for all names of a file. */
function keyOf({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`;
}

function attempt(output: Output, step: () => void): void {
  try {
    step();
  } catch (error) {
    throw notWritten(output, error);
  }
}

/** In the same folder: a rename does not cross file systems. */
function asideOf(file: string): string {
  return join(dirname(file), `.ptfrag-${randomBytes(6).toString('hex')}.new`);
}
