/**
 * An imported trace: what another program did, for one geometry, as `ptfrag import` writes it.
 *
 *   # ptf 1 …
 *   # geometry=… pte=… pmd=…     fragments in a page, by kind
 *   # source=… records=…         the recorder, and how many records there are
 *   line t_us I mm               create
 *   line t_us E mm               exit
 *   line t_us D mm               destroy
 *   line t_us A mm level index   alloc: the table of the span that begins at index times its size
 *   line t_us F mm level index   free
 *
 * `line` is the line of the recorder's text that it was derived from; level is 0 (PTE) or 1 (PMD),
 * index hexadecimal. An mm has at most one table of a level and index at a time: that is its name.
 * There is no kernel that placed tables, so events have no page, and no table ever ends: a replay
 * needs grace periods of its own.
 */
import { GEOMETRIES, geometryNamed } from '../../../core/pgtable/geometry.js';
import { emptyCounts, type TraceCounts } from '../counts.js';
import { OP, TRACE_KIND, type TraceEvent, type TraceKind } from '../event.js';
import type { Described, Form, FoundLines, RecordReader, TraceHeader } from '../form.js';
import { type Mm, Mms } from '../mms.js';
import { Operations } from '../operations.js';
import { FOREIGN, type RecordLine } from '../record.js';
import { sharesOf } from '../shares.js';
import { Teller } from '../teller.js';

const START = '# ptf ';
const VERSION = '1';

type Shares = Described['perPage'];

/** Events have no page. */
const NO_PAGE = -1;

export const IMPORTED: Form = {
  name: 'imported',
  firstLine: START + VERSION,
  recognises,
  ownLine: null,
  headerLines: {
    geometry: /^# geometry=(\S+) pte=(\d+) pmd=(\d+)\b/,
    source: /^# source=(\S+) records=(\d+)\b/,
  },
  readHeader,
  columns: ['seq', 't_us', 'op'],
  begin: (header, at, onEvent): RecordReader => {
    const tables = new ImportedTables(header, at, onEvent);
    const { teller, counts } = tables;
    return { operations: operationsOf(tables), teller, counts };
  },
  hasKernel: false,
  isSequential: true,
  endsLate: false,
  // About what the recordings of kernels have.
  gpUs: 20_000,
};

function recognises(firstLine: string, at: RecordLine): boolean {
  if (!firstLine.startsWith(START)) return false;
  const version = firstLine.slice(START.length).split(/[ :]/, 1)[0] ?? '';
  if (version === VERSION) return true;
  const found = `version ${version.slice(0, 20)} of an imported trace`;
  throw at.refuse('unknown-version', found, `version ${VERSION}`);
}

function readHeader({ geometry, source }: FoundLines, at: RecordLine): Described {
  if (geometry === undefined) {
    throw at.refuse('not-a-trace', 'no geometry', 'a line "# geometry=… pte=… pmd=…"');
  }
  if (source === undefined) {
    throw at.refuse('not-a-trace', 'no source', 'a line "# source=… records=…"');
  }
  const [, name = ''] = geometry;
  if (!Object.hasOwn(GEOMETRIES, name)) {
    const known = Object.keys(GEOMETRIES).join(', ');
    throw at.refuse('unknown-geometry', `geometry ${name.slice(0, 40)}`, known);
  }
  const imported = { source: source[1] as string, records: Number(source[2]) };
  return { geometry: name, perPage: readShares(geometry, at), imported };
}

/** Fragments in a page: the geometry's, but a trace need not have PMD tables. */
function readShares([, name = '', ...found]: RegExpExecArray, at: RecordLine): Shares {
  const [pte, pmd] = sharesOf(geometryNamed(name));
  const [foundPte, foundPmd] = found.map(Number);
  if (foundPte === pte && (foundPmd === pmd || foundPmd === 0)) return [pte, foundPmd];
  const expected = `pte=${pte} and pmd=${pmd}, as ${name} has them`;
  throw at.refuse('wrong-shares', `pte=${found[0]} pmd=${found[1]}`, expected);
}

/** The live tables of one mm: numbers by index, by kind. */
type Live = readonly [pte: Map<number, number>, pmd: Map<number, number>];

class ImportedTables {
  readonly teller: Teller;
  readonly counts: TraceCounts = emptyCounts();
  private readonly header: TraceHeader;
  private readonly at: RecordLine;
  private readonly mms: Mms;
  private readonly live = new Map<Mm, Live>();
  private tables = 0;

  constructor(header: TraceHeader, at: RecordLine, onEvent: (event: TraceEvent) => void) {
    this.header = header;
    this.at = at;
    this.teller = new Teller(onEvent);
    this.mms = new Mms(at, this.teller);
  }

  ours(read: (name: number) => void): () => void {
    return () => {
      const name = this.at.mm(0);
      if (name === FOREIGN) throw this.at.wrong(0, 'an mm of the trace, mN');
      read(name);
    };
  }

  create(name: number): void {
    const mm = this.mms.create(name);
    this.live.set(mm, [new Map(), new Map()]);
    this.counts.mms++;
  }

  exit(name: number): void {
    this.mms.exit(name);
  }

  destroy(name: number): void {
    this.live.delete(this.mms.destroy(name));
  }

  alloc(name: number): void {
    const mm = this.mms.active(name);
    const kind = this.kind();
    const index = this.at.hex(2, 'the index of a span');
    const live = this.liveOf(mm, kind);
    if (live.has(index)) {
      const found = `m${name} has a table of level ${kind} at ${index.toString(16)}`;
      throw this.at.refuse('double-alloc', found, 'its free before');
    }
    const table = this.tables++;
    live.set(index, table);
    mm.tables++;
    this.counts.allocs[kind]++;
    this.teller.alloc(mm, kind, table, NO_PAGE, 0);
  }

  free(name: number): void {
    const mm = this.mms.get(name);
    const kind = this.kind();
    const index = this.at.hex(2, 'the index of a span');
    const live = this.liveOf(mm, kind);
    const table = live.get(index);
    if (table === undefined) {
      const found = `m${name} has no table of level ${kind} at ${index.toString(16)}`;
      throw this.at.refuse('free-without-alloc', found, 'its allocation before');
    }
    live.delete(index);
    mm.tables--;
    this.counts.frees[kind]++;
    this.teller.free(OP.free, mm, kind, table, NO_PAGE, 0);
  }

  private kind(): TraceKind {
    const level = this.at.integer(1, 'a level');
    if ((level === TRACE_KIND.pte || level === TRACE_KIND.pmd) && this.header.perPage[level] > 0)
      return level;
    throw this.at.wrong(1, 'a level that the header has tables of');
  }

  private liveOf(mm: Mm, kind: TraceKind): Map<number, number> {
    const live = this.live.get(mm);
    if (live === undefined) throw new Error('an mm without tables was found by its name');
    return live[kind];
  }
}

function operationsOf(tables: ImportedTables): Operations {
  return new Operations(tables)
    .ofMm('I', 1, (mm) => tables.create(mm))
    .ofMm('E', 1, (mm) => tables.exit(mm))
    .ofMm('D', 1, (mm) => tables.destroy(mm))
    .ofMm('A', 3, (mm) => tables.alloc(mm))
    .ofMm('F', 3, (mm) => tables.free(mm));
}
