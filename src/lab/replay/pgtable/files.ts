/** The two files of a recording that a replay through page tables needs. */
import { existsSync } from 'node:fs';
import { InputError } from '../../../core/base/errors.js';
import { FORMS } from '../../trace/forms/index.js';

export interface RecordingFiles {
  /** What processes did. */
  readonly work: string;
  /** Which tables the kernel allocated meanwhile. */
  readonly tables: string;
}

/** Forms of recordings of kernels: what a file's name has before its suffix. */
const NAMES = [...new Set(FORMS.filter((form) => form.hasKernel).map(({ name }) => name))];
const FILE = new RegExp(`^(.*)\\.(${NAMES.join('|')}|work)\\.txt(?:\\.gz)?$`);
const SUFFIXES = ['.txt.gz', '.txt'] as const;

/** Both files, given either of them. Throws `InputError` if the other is not beside it. */
export function filesOf(file: string): RecordingFiles {
  const [, stem = '', form = ''] = FILE.exec(file) ?? [];
  const beside = (forms: readonly string[]): string | undefined =>
    forms
      .flatMap((each) => SUFFIXES.map((suffix) => `${stem}.${each}${suffix}`))
      .find((path) => existsSync(path));
  const work = form === 'work' ? file : beside(['work']);
  const tables = form === 'work' ? beside(NAMES) : file;
  if (form !== '' && work !== undefined && tables !== undefined) return { work, tables };
  const wanted =
    form === 'work' ? NAMES.map((name) => `${name}.txt.gz`).join(' or ') : 'work.txt.gz';
  const expected = `a file ${form === '' ? 'NAME' : stem}.${wanted}`;
  const message = `${file}: its recording has no other file beside it; expected ${expected}`;
  throw new InputError(message, { code: 'no-work', file, line: 0, expected });
}
