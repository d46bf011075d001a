/** Short ASCII names in words of the heap, four bytes to a word, the first in the lowest bits. */
import type { Word } from '../base/units.js';
import { at } from '../base/units.js';
import type { Memory } from './memory.js';

/** Writes as much of `name` as fits. */
export function writeName(mem: Memory, word: Word, words: number, name: string): void {
  for (let i = 0; i < words; i++) {
    let packed = 0;
    for (let byte = 0; byte < 4; byte++) {
      const code = name.charCodeAt(i * 4 + byte);
      if (code > 0) packed |= (code & 0x7f) << (8 * byte);
    }
    mem.poke(at(word, i), packed);
  }
}

export function readName(mem: Memory, word: Word, words: number): string {
  let name = '';
  for (let i = 0; i < words; i++) {
    const packed = mem.peek(at(word, i));
    for (let byte = 0; byte < 4; byte++) {
      const code = (packed >>> (8 * byte)) & 0x7f;
      if (code !== 0) name += String.fromCharCode(code);
    }
  }
  return name;
}
