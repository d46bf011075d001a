/**
 * Which recording is this? The first lines of the file, those with a `#`, decide: the first says
 * which forms it can have, and where these are several, a later one which of them.
 */
import { architectureWith } from '../designs/architecture.js';
import type { Form, TraceHeader } from './form.js';
import { FORMS } from './forms/index.js';
import type { RecordLine } from './record.js';

/** How the file begins that tells of the same recording's processes (work.ts). */
export const WORK_START = '# seq t_us cpu pid op args';

/** Reads the lines before the first record. */
export class HeaderReader {
  private readonly at: RecordLine;
  /** The forms that begin like this file; before its first line none. */
  private candidates: readonly Form[] = [];
  /** The one whose own line was found, and where. */
  private own: { readonly form: Form; readonly line: number } | null = null;
  private readonly found = new Map<Form, Record<string, RegExpExecArray>>();

  constructor(at: RecordLine) {
    this.at = at;
  }

  /** Takes a line that begins with `#`, or the file's first line, whatever it is. */
  line(text: string): void {
    if (this.candidates.length === 0) this.begin(text);
    for (const form of this.candidates) {
      if (form.ownLine?.pattern.test(text)) this.own = { form, line: this.at.line };
      for (const [name, pattern] of Object.entries(form.headerLines)) {
        const match = pattern.exec(text);
        if (match !== null) this.foundBy(form)[name] = match;
      }
    }
  }

  /** The header, when the first record has come. */
  finish(): TraceHeader {
    const { file } = this.at;
    const { form, line } = this.own ?? this.onlyCandidate();
    const described = form.readHeader(this.foundBy(form), this.at);
    const architecture = architectureWith(described.geometry);
    return { file, form, architecture, architectureLine: line, ...described };
  }

  /** The error for a file that ended without a record. */
  empty(): Error {
    if (this.candidates.length === 0) return this.notATrace('the file is empty');
    return this.at.refuse('not-a-trace', 'the file ends after its header', 'records');
  }

  /** The error for a file whose first line can't be one of ours. */
  notATrace(found: string): Error {
    const starts = new Set(FORMS.map(({ firstLine }) => `"${firstLine}"`));
    const expected = `a first line that begins ${[...starts].join(' or ')}`;
    return this.at.refuse('not-a-trace', `not a trace: ${found}`, expected);
  }

  private begin(text: string): void {
    this.candidates = FORMS.filter((form) => form.recognises(text, this.at));
    if (this.candidates.length > 0) return;
    const isWork = text.startsWith(WORK_START);
    const work = 'these are the workload events of a recording, not its allocations';
    throw this.notATrace(isWork ? work : 'the first line is another');
  }

  private foundBy(form: Form): Record<string, RegExpExecArray> {
    const known = this.found.get(form);
    if (known !== undefined) return known;
    const found = {};
    this.found.set(form, found);
    return found;
  }

  /** The form of a file without a line of its own form's. */
  private onlyCandidate(): { readonly form: Form; readonly line: number } {
    const form = this.candidates.find(({ ownLine }) => ownLine === null);
    if (form !== undefined) return { form, line: 1 };
    const lines = this.candidates.map(({ ownLine }) => `"# ${ownLine?.shown}"`);
    const found = 'no architecture before the first record';
    throw this.at.refuse('not-a-trace', found, `a line ${lines.join(' or ')}`);
  }
}
