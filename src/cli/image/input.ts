/**
 * What `ptfrag image` reads: a list of mappings as JSON, [{va, pfn, prot}].
 *
 * A number of JSON is exact up to 2^53 only, so addresses may be texts too: "0x7f0000001000".
 */
import { readFileSync, statSync } from 'node:fs';
import { InputError } from '../../core/base/errors.js';

export interface GivenMapping {
  readonly va: bigint;
  readonly pfn: number;
  readonly prot: number;
}

const LIST = 'a JSON list of mappings, [{"va": 4096, "pfn": 7, "prot": 3}, ...]';

/** Throws `InputError` for what is no such list. */
export function readMappings(file: string): GivenMapping[] {
  let text: string;
  try {
    // Reading one that nobody writes to would not end, and no signal would end it.
    if (statSync(file).isFIFO()) throw new Error('it is a pipe');
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw refuse(file, 'not-found', 'is not there', LIST);
    throw refuse(file, 'not-readable', `cannot be read (${message})`, LIST);
  }
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch (error) {
    throw refuse(file, 'not-json', `is no JSON (${(error as Error).message})`, LIST);
  }
  if (!Array.isArray(list)) throw refuse(file, 'not-a-list', 'is no list', LIST);
  return list.map((each: unknown, index) => mappingOf(file, index, each));
}

/** The refusal of one mapping of a file: which, counted from 0 as in the list, and why. */
export function refuseMapping(
  file: string,
  index: number,
  code: string,
  found: string,
  expected: string,
): InputError {
  return refuse(file, code, `: mapping [${index}]: ${found}`, expected);
}

function mappingOf(file: string, index: number, given: unknown): GivenMapping {
  const { va, pfn, prot } = Object(given) as Readonly<Record<string, unknown>>;
  const refused = (field: string, value: unknown, expected: string): InputError => {
    const found = `${field} is ${JSON.stringify(value) ?? 'missing'}`;
    return refuseMapping(file, index, 'bad-mapping', found, expected);
  };
  const address = wholeOf(va);
  if (address === null) throw refused('va', va, 'an address, or a text like "0x7f0000001000"');
  const frame = wholeOf(pfn);
  if (frame === null || frame >= 2n ** 32n) throw refused('pfn', pfn, 'the number of a frame');
  if (typeof prot !== 'number') {
    const expected = 'a sum of 1 read, 2 write, 4 exec, 8 young, 16 dirty';
    throw refused('prot', prot, expected);
  }
  return { va: address, pfn: Number(frame), prot };
}

/** A whole number that is not negative, or null. */
function wholeOf(value: unknown): bigint | null {
  if (typeof value === 'number') {
    return Number.isSafeInteger(value) && value >= 0 ? BigInt(value) : null;
  }
  if (typeof value !== 'string' || !/^(?:0x[\da-f]{1,16}|\d{1,20})$/i.test(value)) return null;
  return BigInt(value);
}

function refuse(file: string, code: string, found: string, expected: string): InputError {
  const message = `${file}${found.startsWith(':') ? '' : ' '}${found}; expected ${expected}`;
  return new InputError(message, { code, file, line: 0, expected });
}
