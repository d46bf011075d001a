/** The two files of a recording that a replay through page tables needs. */
import { existsSync } from 'node:fs';
import { InputError } from '../../../core/base/errors.js';

export interface RecordingFiles {
  /** What processes did. */
  readonly work: string;
  /** Which tables the kernel allocated meanwhile. */
  readonly tables: string;
}

const FORMS = ['canon', 'frag'] as const;
const SUFFIXES = ['.txt.gz', '.txt'] as const;

/** Both files, given either of them. Throws `InputError` if the other is not beside it. */
export function filesOf(file: string): RecordingFiles {
  const [, stem = '', form = ''] = /^(.*)\.(canon|frag|work)\.txt(?:\.gz)?$/.exec(file) ?? [];
  const beside = (forms: readonly string[]): string | undefined =>
    forms
      .flatMap((each) => SUFFIXES.map((suffix) => `${stem}.${each}${suffix}`))
      .find((path) => existsSync(path));
  const work = form === 'work' ? file : beside(['work']);
  const tables = form === 'work' ? beside(FORMS) : file;
  if (form !== '' && work !== undefined && tables !== undefined) return { work, tables };
  const wanted = form === 'work' ? 'canon.txt.gz or frag.txt.gz' : 'work.txt.gz';
  const expected = `a file ${form === '' ? 'NAME' : stem}.${wanted}`;
  const message = `${file}: its recording has no other file beside it; expected ${expected}`;
  throw new InputError(message, { code: 'no-work', file, line: 0, expected });
}
