/**
 * Numbers of things in a heap, as users have them: of each kind its own type, and yet a plain
 * number is one. What arrives in a message, or stands in a word of shared memory, is a plain
 * number, whatever it was; and each method judges what it is given in any case.
 */

/** Number of an mm: what `createMm` returned, on any thread. Not that of a kind, or a table. */
export type MmId = number & { readonly __unit?: 'MmId' };

/** Number of a kind of tables: what `kind` returned; 0 is the first. Not that of an mm. */
export type KindId = number & { readonly __unit?: 'KindId' };
