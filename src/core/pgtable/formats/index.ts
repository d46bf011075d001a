/** The formats of entries, by the names of their geometries. */
import { UsageError } from '../../base/errors.js';
import type { Heap, Kind } from '../../mem/heap.js';
import type { EntryFormat } from '../format.js';
import { kindsOf } from '../geometry.js';
import { HASH_64K } from './hash.js';
import { RADIX_4K, RADIX_64K } from './radix.js';
import { S390 } from './s390.js';
import { SV39 } from './sv39.js';
import { X86_64 } from './x86-64.js';

export const ENTRY_FORMATS: Readonly<Record<string, EntryFormat>> = Object.freeze(
  Object.fromEntries(
    [S390, HASH_64K, RADIX_64K, RADIX_4K, X86_64, SV39].map((format) => [
      format.name,
      Object.freeze(format),
    ]),
  ),
);

/** Why the geometry has sizes here but no format. */
const UNFORMATTED: Readonly<Record<string, string>> = {
  'powerpc-8xx-16k': 'its entries are four words, each for a quarter of the page',
};

/**
 * The format of a heap's entries. Throws `UsageError` where the heap's tables are not as large as
 * those that the format is for, too: anybody may call a geometry of their own by a known name.
 */
export function formatOf(heap: Heap): EntryFormat {
  const format = formatNamed(heap.geometry);
  // The heap's own kinds, word by word: a name proves nothing.
  const differs = kindsOf(format.geometry).some((kind, at) =>
    Object.entries(kind).some(([field, value]) => heap.kinds[at]?.[field as keyof Kind] !== value),
  );
  if (!differs && 4 << heap.pageShift === 2 ** format.pageShift) return format;
  const message = `no format for this heap: its tables are not those of ${format.name}`;
  throw new UsageError('no-such-format', message);
}

/** The format of a geometry's entries. Throws `UsageError` that lists them if there is none. */
export function formatNamed(name: string): EntryFormat {
  const format = Object.hasOwn(ENTRY_FORMATS, name) ? ENTRY_FORMATS[name] : undefined;
  if (format !== undefined) return format;
  const why = Object.hasOwn(UNFORMATTED, name) ? `: ${UNFORMATTED[name]}` : '';
  const known = Object.keys(ENTRY_FORMATS).join(', ');
  throw new UsageError('no-such-format', `no format for ${name}${why}; there are: ${known}`);
}
