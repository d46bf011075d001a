/** What the frag forms of all architectures have in common: records as the kernel wrote them. */
import type { Form } from '../form.js';

const START = '# seq t_us cpu pid ctx op args';

export const FRAG: Pick<
  Form,
  'name' | 'firstLine' | 'recognises' | 'columns' | 'hasKernel' | 'isSequential' | 'gpUs'
> = {
  name: 'frag',
  firstLine: START,
  recognises: (line) => line.startsWith(START),
  columns: ['seq', 't_us', 'cpu', 'pid', 'ctx', 'op'],
  hasKernel: true,
  isSequential: false,
  gpUs: null,
};
