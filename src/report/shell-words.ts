/** Words of a command line, ready to be pasted into a shell. */

/** Words that a shell takes as they are: one that begins with ~ is somebody's home. */
const PLAIN = /^[\w@%+=:,./-][\w@%+=:,./~-]*$/;

export function quote(word: string): string {
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
