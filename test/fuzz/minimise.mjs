/** Makes a failing input shorter as long as it fails in the same way. */

const TRIES = 600;

/**
 * @param {Uint8Array | string | {text: string}} input
 * @param {(input: any) => Promise<boolean>} same
 */
export async function minimise(input, same) {
  // A value is shortened as its text would be, and then needs reading again: it is shown as it is.
  if (!(input instanceof Uint8Array) && typeof input !== 'string') return input;
  const without = (from, to) =>
    typeof input === 'string'
      ? input.slice(0, from) + input.slice(to)
      : Uint8Array.from([...input.subarray(0, from), ...input.subarray(to)]);
  let tries = 0;
  if (!(await same(input))) return input;
  for (let size = Math.ceil(input.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let from = 0; from < input.length;) {
      if (tries++ > TRIES) return input;
      const shorter = without(from, Math.min(input.length, from + size));
      if (await same(shorter)) input = shorter;
      else from += size;
    }
  }
  return input;
}
