/**
 * Short ASCII names in words of the heap, four bytes to a word, the first in the lowest bits. A
 * thread's name may be read while the next one is written: by atomic accesses, word by word.
 */
import type { Word } from '../base/units.js';
import { at } from '../base/units.js';
import type { Memory } from './memory.js';

/** Whether a name fits: one that is cut, or not of ASCII, would not be found again. */
export function isNameOf(words: number, name: string): boolean {
  return /^[ -~]*$/.test(name) && name.length <= 4 * words;
}

/** Writes a name that fits. */
export function writeName(mem: Memory, word: Word, words: number, name: string): void {
  for (let i = 0; i < words; i++) {
    let packed = 0;
    for (let byte = 0; byte < 4; byte++) {
      const code = name.charCodeAt(i * 4 + byte);
      if (code > 0) packed |= (code & 0x7f) << (8 * byte);
    }
    mem.store(at(word, i), packed);
  }
}

/** The name that ends where a word is 0, or with the last word. */
export function readName(mem: Memory, word: Word, words: number): string {
  let name = '';
  for (let i = 0; i < words; i++) {
    const packed = mem.load(at(word, i));
    if (packed === 0) break;
    for (let byte = 0; byte < 4; byte++) {
      const code = (packed >>> (8 * byte)) & 0x7f;
      if (code !== 0) name += String.fromCharCode(code);
    }
  }
  return name;
}
