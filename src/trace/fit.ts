/** Which design can be driven by which recording: a rule of Linux by its architecture's alone. */
import { InputError } from '../base/errors.js';
import { architectureOf } from '../designs/index.js';
import type { TraceHeader } from './event.js';

/** Throws `InputError` for a recording of another architecture than the design's. */
export function requireFit(design: string, header: TraceHeader): void {
  const wanted = architectureOf(design);
  const { file, architecture, architectureLine: line } = header;
  if (wanted === null || wanted === architecture) return;
  const expected = `a recording of ${wanted}, for ${design}`;
  const message = `${file}:${line}: a recording of ${architecture}; expected ${expected}`;
  throw new InputError(message, { code: 'wrong-architecture', file, line, expected });
}
