/** Names for the words of a heap, and values as people read them: for reports. */
import type { Pfn, Word } from '../../core/base/units.js';
import { at } from '../../core/base/units.js';
import { INTENT } from '../../core/frag/intent.js';
import { formatState } from '../../core/frag/state.js';
import { type Heap, ptdescOf } from '../../core/mem/heap.js';
import { HEAP, MM, PTDESC, RCU_HEAD, THREAD } from '../../core/mem/layout.js';
import { SLEEPERS } from '../../core/mem/lock.js';

/** Fields of a table by offset; a name's range ends where the next begins. */
type Fields = readonly (readonly [offset: number, name: string])[];

function fieldsOf(table: Readonly<Record<string, number>>): Fields {
  const fields = Object.entries(table).filter(([name]) => name !== 'WORDS');
  return fields.map(([name, offset]) => [offset, name] as const).sort(([a], [b]) => a - b);
}

const HEAP_FIELDS = fieldsOf(HEAP);
const MM_FIELDS = fieldsOf(MM);
const THREAD_FIELDS = fieldsOf(THREAD);
const PTDESC_FIELDS = fieldsOf(PTDESC);
const HEAD_FIELDS = fieldsOf(RCU_HEAD);

function nameIn(fields: Fields, offset: number): string {
  const field = fields.findLast(([begin]) => begin <= offset);
  if (field === undefined) return `word ${offset}`;
  const [begin, name] = field;
  if (name === 'RCU') return `RCU.${nameIn(HEAD_FIELDS, offset - begin)}`;
  return offset === begin ? name : `${name}+${offset - begin}`;
}

/** For example `mm 1 LOCK`, `page 0 OWNER`, `page 0 fragment 1 word 3`, `thread 2 READER`. */
export function nameOfWord(heap: Heap, word: Word): string {
  const regions: readonly (readonly [Word, string, number, Fields])[] = [
    [heap.ptdescsAt, 'page', PTDESC.WORDS, PTDESC_FIELDS],
    [heap.threadsAt, 'thread', THREAD.WORDS, THREAD_FIELDS],
    [heap.mmsAt, 'mm', MM.WORDS, MM_FIELDS],
  ];
  if (word >= heap.words) return `own word ${word - heap.words}`;
  if (word >= heap.pagesAt) return nameInPage(heap, word);
  if (heap.debug && word >= heap.freedByAt) return `freed by ${word - heap.freedByAt}`;
  for (const [begin, name, size, fields] of regions) {
    if (word < begin) continue;
    const index = Math.floor((word - begin) / size);
    return `${name} ${index} ${nameIn(fields, (word - begin) % size)}`;
  }
  return word < heap.kindsAt ? nameIn(HEAP_FIELDS, word) : `kinds+${word - heap.kindsAt}`;
}

function nameInPage(heap: Heap, word: Word): string {
  const pfn = Math.floor((word - heap.pagesAt) / 2 ** heap.pageShift) as Pfn;
  const offset = (word - heap.pagesAt) % 2 ** heap.pageShift;
  const kind = heap.kinds[heap.mem.peek(at(ptdescOf(heap, pfn), PTDESC.KIND))];
  if (kind === undefined) return `page ${pfn} word ${offset}`;
  const fragment = Math.floor(offset / kind.fragmentWords);
  return `page ${pfn} fragment ${fragment} word ${offset % kind.fragmentWords}`;
}

/** Words that hold the address of a record, a head or a node. */
const ADDRESSES =
  /OWNER|QUEUE_(NEW|WAITING|PUSHED|REFUSED)|NEXT|LISTS|(_TOP|SHING|NING|REST|_END|SLEEPS_FOR)$/;

/** A value of that word: states in letters, locks by owner, addresses by name. */
export function showValue(heap: Heap, word: Word, value: number): string {
  const name = nameOfWord(heap, word);
  if (/(?:^|[ _])LOCK$/.test(name)) return showLock(value);
  if (/^page \d+ STATES/.test(name)) return formatState(value, 4);
  if (/ INTENT$/.test(name)) return nameOfIntent(value);
  if (!ADDRESSES.test(name) || value === 0) return `${value}`;
  const target = nameOfWord(heap, Math.abs(value) as Word).replace(/ (LOCK|RCU\.WAITS_FOR)$/, '');
  return value < 0 ? `-(${target})` : target;
}

function nameOfIntent(value: number): string {
  const found = Object.entries(INTENT).find(([, intent]) => intent === value);
  return found?.[0] ?? `${value}`;
}

function showLock(value: number): string {
  if (value === 0) return 'free';
  const owner = `thread ${(value & ~SLEEPERS) - 1}`;
  return (value & SLEEPERS) === 0 ? owner : `${owner} +sleepers`;
}
