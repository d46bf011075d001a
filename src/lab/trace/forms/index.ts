/** The forms of recordings that there are. Those that a message names come in this order. */
import type { Form } from '../form.js';
import { IMPORTED } from './imported.js';
import { POWERPC_FRAG } from './powerpc.js';
import { S390_CANON, S390_FRAG } from './s390.js';

export const FORMS: readonly Form[] = [S390_CANON, S390_FRAG, POWERPC_FRAG, IMPORTED];
