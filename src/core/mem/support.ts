/** What a JavaScript engine must have for a heap. Touches nothing shared until it is called. */

/** What is missing, in words, or null. */
export function missingFeature(): string | null {
  if (typeof Atomics === 'undefined') return 'this engine has no Atomics';
  if (typeof SharedArrayBuffer !== 'undefined') return null;
  const isolated = (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated;
  if (isolated !== false) return 'this engine has no SharedArrayBuffer';
  return (
    'SharedArrayBuffer needs a cross-origin isolated page: serve it with the headers ' +
    'Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp'
  );
}
