/**
 * Which design can be driven by which recording: a rule of Linux by its architecture's alone, a
 * core with one state word by those whose pages have no more fragments than that.
 */
import { InputError } from '../../core/base/errors.js';
import { designNamed } from '../designs/index.js';
import type { TraceHeader } from './form.js';

/** Throws `InputError` for a recording that the design can't be driven by. */
export function requireFit(design: string, header: TraceHeader): void {
  const { architecture: wanted, perPageMax: most } = designNamed(design);
  const { architecture, perPage } = header;
  if (wanted !== null && wanted !== architecture) {
    const expected = `a recording of ${wanted}, for ${design}`;
    throw refusal(header, 'wrong-architecture', `a recording of ${architecture}`, expected);
  }
  const fragments = Math.max(...perPage);
  if (fragments > most) {
    const expected = `at most ${most}, for ${design}`;
    throw refusal(header, 'too-many-fragments', `${fragments} fragments in a page`, expected);
  }
}

function refusal(
  { file, architectureLine: line }: TraceHeader,
  code: string,
  found: string,
  expected: string,
): InputError {
  return new InputError(`${file}:${line}: ${found}; expected ${expected}`, {
    code,
    file,
    line,
    expected,
  });
}
