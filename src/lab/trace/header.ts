/**
 * Which recording is this? The first lines of the file, those with a `#`, decide.
 *
 *   canon  # canonical sequential log, …
 *          seq t_us op args
 *   frag   # seq t_us cpu pid ctx op args…
 *          # … uname=… s390x …
 *          seq t_us cpu pid ctx op args
 *   ptf    # ptf 1 …
 *          # geometry=… pte=… pmd=…
 *          # source=… records=…
 *          line t_us op args
 *
 * Only s390 has canon files. A powerpc frag file says how many fragments a page has: Linux decides
 * that at boot (radix or hash), so the architecture's name isn't enough.
 */
import { GEOMETRIES } from '../../core/pgtable/geometry.js';
import type { TraceHeader } from './event.js';
import type { RecordLine } from './record.js';

/** The field that holds the operation, in each form. */
export const OPERATION_FIELD = { canon: 2, frag: 5, imported: 2 } as const;

const CANON_START = '# canonical sequential log';
const FRAG_START = '# seq t_us cpu pid ctx op args';
const PTF_START = '# ptf ';
const PTF_VERSION = '1';
const WORK_START = '# seq t_us cpu pid op args';

/** Fragments per page of the two powerpc geometries with 64 KiB pages. */
const POWERPC = [
  { geometry: 'powerpc-radix-64k', perPage: [256, 16] },
  { geometry: 'powerpc-hash-64k', perPage: [16, 4] },
] as const;

const FRAGMENTS = /^# pte fragment bytes=\d+ NR=(\d+) ; pmd fragment bytes=\d+ NR=(\d+)/;

const PTF_GEOMETRY = /^# geometry=(\S+) pte=(\d+) pmd=(\d+)\b/;
const PTF_SOURCE = /^# source=(\S+) records=(\d+)\b/;

/** Reads the lines before the first record. */
export class HeaderReader {
  private readonly at: RecordLine;
  private form: TraceHeader['form'] | null = null;
  private architecture: TraceHeader['architecture'] | null = null;
  private architectureLine = 0;
  private perPage: readonly [number, number] | null = null;
  private geometry: string | null = null;
  private imported: TraceHeader['imported'] = null;

  constructor(at: RecordLine) {
    this.at = at;
  }

  /** Takes a line that begins with `#`, or the file's first line, whatever it is. */
  line(text: string): void {
    if (this.form === null) {
      this.form = this.recognise(text);
      if (this.form === 'canon') this.isFrom('s390x');
    }
    if (this.form === 'imported') {
      this.importedLine(text);
      return;
    }
    if (this.form === 'frag' && /\buname=.* s390x\b/.test(text)) this.isFrom('s390x');
    if (this.form === 'frag' && /\buname=.* ppc64le\b/.test(text)) this.isFrom('ppc64le');
    const fragments = FRAGMENTS.exec(text);
    if (fragments !== null) this.perPage = [Number(fragments[1]), Number(fragments[2])];
  }

  private isFrom(architecture: TraceHeader['architecture']): void {
    this.architecture = architecture;
    this.architectureLine = this.at.line;
  }

  /** The header, when the first record has come. */
  finish(): TraceHeader {
    const { form, architecture, architectureLine } = this;
    if (form === null) throw this.notATrace('the first line is a record');
    const file = this.at.file;
    if (form === 'imported') return this.importedHeader();
    if (architecture === 's390x') {
      const geometry = 's390';
      const shape = { geometry, perPage: [2, 0] } satisfies Partial<TraceHeader>;
      return { file, architecture, architectureLine, form, ...shape, imported: null };
    }
    if (architecture === null) {
      const expected = 'a line "# uname=… s390x …" or "# uname=… ppc64le …"';
      throw this.at.refuse('not-a-trace', 'no architecture before the first record', expected);
    }
    return { file, architecture, architectureLine, form, ...this.powerpc(), imported: null };
  }

  /** The error for a file that ended without a record. */
  empty(): Error {
    if (this.form === null) return this.notATrace('the file is empty');
    return this.at.refuse('not-a-trace', 'the file ends after its header', 'records');
  }

  /** The error for a file whose first line can't be one of ours. */
  notATrace(found: string): Error {
    const starts = [CANON_START, FRAG_START, PTF_START + PTF_VERSION];
    const expected = `a first line that begins ${starts.map((start) => `"${start}"`).join(' or ')}`;
    return this.at.refuse('not-a-trace', `not a trace: ${found}`, expected);
  }

  private recognise(text: string): TraceHeader['form'] {
    if (text.startsWith(CANON_START)) return 'canon';
    if (text.startsWith(FRAG_START)) return 'frag';
    if (text.startsWith(PTF_START)) return this.ptfVersion(text);
    if (text.startsWith(WORK_START)) {
      throw this.notATrace('these are the workload events of a recording, not its allocations');
    }
    throw this.notATrace('the first line is another');
  }

  private ptfVersion(text: string): 'imported' {
    const version = text.slice(PTF_START.length).split(/[ :]/, 1)[0] ?? '';
    if (version === PTF_VERSION) return 'imported';
    const found = `version ${version.slice(0, 20)} of an imported trace`;
    throw this.at.refuse('unknown-version', found, `version ${PTF_VERSION}`);
  }

  private importedLine(text: string): void {
    const geometry = PTF_GEOMETRY.exec(text);
    if (geometry !== null) {
      this.geometry = geometry[1] as string;
      this.perPage = [Number(geometry[2]), Number(geometry[3])];
    }
    const source = PTF_SOURCE.exec(text);
    if (source !== null) {
      this.imported = { source: source[1] as string, records: Number(source[2]) };
    }
  }

  private importedHeader(): TraceHeader {
    const { geometry, perPage, imported } = this;
    if (geometry === null || perPage === null) {
      throw this.at.refuse('not-a-trace', 'no geometry', 'a line "# geometry=… pte=… pmd=…"');
    }
    if (imported === null) {
      throw this.at.refuse('not-a-trace', 'no source', 'a line "# source=… records=…"');
    }
    if (!Object.hasOwn(GEOMETRIES, geometry)) {
      const known = Object.keys(GEOMETRIES).join(', ');
      throw this.at.refuse('unknown-geometry', `geometry ${geometry.slice(0, 40)}`, known);
    }
    const architecture =
      geometry === 's390' ? 's390x' : geometry.startsWith('powerpc-') ? 'ppc64le' : null;
    const { file } = this.at;
    const counts: [number, number] = [perPage[0], perPage[1]];
    const { architectureLine } = this;
    const form = 'imported';
    return { file, architecture, architectureLine, form, geometry, perPage: counts, imported };
  }

  private powerpc(): { geometry: TraceHeader['geometry']; perPage: [number, number] } {
    const found = this.perPage;
    const known = POWERPC.find((p) => p.perPage[0] === found?.[0] && p.perPage[1] === found[1]);
    if (known === undefined) {
      const expected = POWERPC.map((p) => `NR=${p.perPage[0]} and NR=${p.perPage[1]}`).join(
        ', or ',
      );
      const what = found === null ? 'no line "# pte fragment …"' : `NR=${found[0]} and ${found[1]}`;
      throw this.at.refuse('unknown-geometry', what, `${expected}, in "# pte fragment …"`);
    }
    return { geometry: known.geometry, perPage: [known.perPage[0], known.perPage[1]] };
  }
}
