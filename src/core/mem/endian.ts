/** The byte order of this machine. Entries of 64 bits are two words in native order. */

/** True where the low word of a 64-bit value comes first. */
export const LITTLE_ENDIAN: boolean = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;
