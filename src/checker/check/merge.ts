/**
 * The job of `ptfrag merge`: one document from those of the shards of one check.
 *
 * Shards fit together if they agree in all but their turn: the code that they explored, and what
 * they were asked. A file that does not fit is refused. A shard that is missing or was interrupted
 * makes the document inconclusive, for nothing is known of its scenarios.
 */
import { readFileSync, statSync } from 'node:fs';
import { InputError } from '../../core/base/errors.js';
import { type CheckDocument, type CheckScope, checkDocument, formatShard } from './document.js';
import { findMistake } from './shape.js';

/** A document, and the file that it was read from. */
interface Part {
  readonly file: string;
  readonly document: CheckDocument;
}

const DOCUMENT = 'the JSON document of `ptfrag check --json`';

/** Throws `InputError` for a file that is no such document, or does not fit the others. */
export function mergeFiles(files: readonly string[]): CheckDocument {
  const parts = files.map((file) => ({ file, document: readDocument(file) }));
  parts.forEach((part, at) => {
    for (const before of parts.slice(0, at)) requireFit(before, part);
  });
  const [{ document: first }] = parts as [Part, ...Part[]];
  const { shard, build, options, asked } = first;
  // Each shard in its turn, and null for one that is not here.
  const turns =
    shard === null
      ? [first]
      : Array.from({ length: shard.count }, (_, at) => {
          const found = parts.find(({ document }) => document.shard?.index === at + 1);
          return found?.document ?? null;
        });
  const missing = turns.flatMap((document, at) => missingIn(document, at + 1, turns.length));
  const scope: CheckScope = { build, options, asked, shard: null, missing };
  const scenarios = interleave(turns.map((document) => document?.scenarios ?? []));
  return checkDocument(scope, scenarios, interleave(turns.map((each) => each?.mutants ?? [])));
}

function missingIn(document: CheckDocument | null, index: number, count: number): string[] {
  const name = count === 1 ? 'the rest' : `shard ${formatShard({ index, count })}`;
  if (document === null) return [name];
  const wasStopped = (document.verdict as string) === 'interrupted';
  return [...document.missing, ...(wasStopped ? [`what was not done of ${name}`] : [])];
}

/** Rows in the order that they were dealt out in: one to each shard, and again. */
function interleave<Row>(shards: readonly (readonly Row[])[]): Row[] {
  const rounds = Math.max(...shards.map(({ length }) => length));
  return Array.from({ length: rounds }, (_, at) =>
    shards.flatMap((rows) => rows.slice(at, at + 1)),
  ).flat();
}

function readDocument(file: string): CheckDocument {
  let text: string;
  try {
    // Reading one that nobody writes to would not end, and no signal would end it.
    if (statSync(file).isFIFO()) throw new Error('it is a pipe');
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw refuse(file, 'not-found', 'is not there', DOCUMENT);
    throw refuse(file, 'not-readable', `cannot be read (${message})`, DOCUMENT);
  }
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw refuse(file, 'not-json', 'is no JSON', DOCUMENT);
  }
  const mistake = findMistake(document);
  if (mistake === null) return document as CheckDocument;
  throw refuse(file, mistake.code, mistake.found, mistake.expected ?? DOCUMENT);
}

function requireFit(one: Part, other: Part): void {
  const [a, b] = [one.document, other.document];
  const differ = (what: string, code: string, wanted: string): InputError =>
    refuse(other.file, code, `is of another ${what} than ${one.file}`, wanted);
  if (a.build !== b.build) throw differ('build', 'other-build', `build ${a.build}`);
  const [asked, otherwise] = [a, b].map(({ options }) => JSON.stringify(options));
  if (asked !== otherwise) throw differ('check', 'other-options', `options ${asked}`);
  if (a.shard === null || b.shard === null) {
    const found = `is not to be merged with ${one.file}`;
    throw refuse(other.file, 'no-shard', found, 'one document, or shards of one check');
  }
  const { index, count } = a.shard;
  if (b.shard.count !== count) {
    throw differ('number of shards', 'other-shards', `a shard of ${count}`);
  }
  if (b.shard.index !== index) return;
  const name = formatShard(a.shard);
  throw refuse(other.file, 'same-shard', `is shard ${name} again, as ${one.file}`, 'each once');
}

function refuse(file: string, code: string, found: string, expected: string): InputError {
  const message = `${file} ${found}; expected ${expected}`;
  return new InputError(message, { code, file, line: 0, expected });
}
