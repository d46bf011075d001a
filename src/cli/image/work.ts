/**
 * The job of `ptfrag image`: page tables for a list of mappings, as the architecture's MMU reads
 * them. PREFIX.bin has the bytes of physical memory, PREFIX.json what a machine is given.
 */
import { attach, createHeap } from '../../api/heap.js';
import { createSpace } from '../../api/pgtable/open.js';
import type { AddressSpace } from '../../api/pgtable/space.js';
import { UsageError } from '../../core/base/errors.js';
import type { EntryFormat } from '../../core/pgtable/format.js';
import { formatNamed } from '../../core/pgtable/formats/index.js';
import type { Image } from '../../core/pgtable/image.js';
import { NOT_MAPPED } from '../../core/pgtable/walk.js';
import type { Finding } from '../shell/failure.js';
import type { JobPort } from '../shell/job.js';
import { type OpenOutput, writeOutput } from '../shell/output-stream.js';
import { type GivenMapping, readMappings, refuseMapping } from './input.js';

export interface ImageRequest {
  readonly file: string;
  readonly geometry: string;
  /** PREFIX.bin and PREFIX.json. */
  readonly outputs: readonly [bin: OpenOutput, json: OpenOutput];
  /** Physical address of the first byte; null: where it is in a heap. */
  readonly base: number | null;
}

export interface ImageDocument {
  readonly command: 'image';
  readonly verdict: Finding;
  readonly ok: boolean;
  readonly geometry: string;
  readonly mappings: number;
  readonly tables: number;
  /** In hexadecimal, for JSON has no 64-bit integers. */
  readonly rootAddress: string;
  readonly rootEntry: string;
  /** Physical address of the first byte of the image. */
  readonly base: string;
  readonly bytes: number;
  readonly byteOrder: 'big' | 'little';
  readonly files: readonly string[];
}

const MAPPABLE = "the geometry's own addresses, whole pages, frames below 4 GiB";

/** Mappings between two looks at the signal. */
const BATCH = 4096;

/** Throws `InputError` for a list that can't be mapped, `UsageError` for a base. */
export async function work(request: ImageRequest, port: JobPort<never>): Promise<ImageDocument> {
  const { file, geometry, base } = request;
  const format = formatNamed(geometry);
  const mappings = readMappings(file);
  const pages = pagesFor(format, mappings);
  const thread = attach(createHeap({ geometry, pages, threadsMax: 2, mmsMax: 2 }).buffer);
  const space = createSpace(thread);
  for (let done = 0; done < mappings.length; done += BATCH) {
    port.onProgress(`${done} of ${mappings.length} mappings`, done / mappings.length);
    await new Promise((resolve) => setImmediate(resolve));
    port.signal.throwIfAborted();
    mapBatch(file, space, mappings, done);
  }
  const found = mappings.every(({ va }) => thread.read(() => space.walk(va)) !== NOT_MAPPED);
  const ok = found && space.check().length === 0;
  const image = space.dumpImage(base === null ? {} : { base });
  const facts = {
    geometry,
    mappings: mappings.length,
    tables: thread.tablesOf(space.mm),
    ...factsOf(image, format),
  };
  await writeImage(request, image, facts, port.signal);
  const files = request.outputs.map((output) => output.file);
  return { command: 'image', verdict: ok ? 'holds' : 'violated', ok, ...facts, files };
}

type Facts = Omit<ImageDocument, 'command' | 'verdict' | 'ok' | 'files'>;

function factsOf(
  image: Image,
  format: EntryFormat,
): Omit<Facts, 'geometry' | 'mappings' | 'tables'> {
  return {
    rootAddress: hex(image.rootAddress),
    rootEntry: hex(image.rootEntry),
    base: hex(image.base),
    bytes: image.bytes.length,
    byteOrder: format.bigEndian ? 'big' : 'little',
  };
}

async function writeImage(
  { outputs: [bin, json] }: ImageRequest,
  image: Image,
  facts: Facts,
  signal: AbortSignal,
): Promise<void> {
  await writeOutput(bin, image.bytes, signal);
  await writeOutput(json, [`${JSON.stringify({ schema: 1, ...facts }, null, 2)}\n`], signal);
}

function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}

function mapBatch(
  file: string,
  space: AddressSpace,
  mappings: readonly GivenMapping[],
  from: number,
): void {
  for (let index = from; index < Math.min(from + BATCH, mappings.length); index++) {
    const { va, pfn, prot } = mappings[index] as GivenMapping;
    try {
      if (space.mapPage(va, pfn * space.pageBytes, prot)) continue;
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      throw refuseMapping(file, index, error.code, error.message, MAPPABLE);
    }
    throw refuseMapping(file, index, 'already-mapped', `${hex(va)} is mapped twice`, 'each once');
  }
}

/** Pages that the tables of these mappings take at most: of each level as many as are touched. */
function pagesFor(format: EntryFormat, mappings: readonly GivenMapping[]): number {
  let pages = 0;
  for (const { kind, shift, indexBits } of format.levels) {
    const { bytes, perPage } = format.geometry.kinds[
      kind
    ] as (typeof format.geometry.kinds)[number];
    const reach = BigInt(shift + indexBits);
    const tables = new Set(mappings.map(({ va }) => va >> reach)).size + 1;
    pages += Math.ceil(tables / perPage) * Math.ceil(bytes / format.geometry.pageBytes);
  }
  // Larger tables need pages side by side, at a multiple of their size.
  return pages + 64;
}
