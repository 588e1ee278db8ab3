/**
 * Which crashes are tried: the letters are the steps of a batch as the order of writes is argued (docs/testing.md).
 *
 * Each step is crossed with each victim. The first rounds take every step once, victims in turn; the next ones the
 * second victim of each step, then the third: a run that is cut short has still been everywhere.
 */

/** @typedef {{ letter: string, step: string, who: 'appliance' | 'agent', trees: readonly (string | undefined)[] }} Place */
/** @typedef {'appliance' | 'agent' | 'postgres'} Victim */
/** @typedef {{ place: Place, victim: Victim, tree: string | undefined, skip: number, lingerMs: number, outageMs: number }} Round */

/** @type {readonly Victim[]} */
export const victims = ['appliance', 'agent', 'postgres'];

const written = ['rekor-v1', 'rekor-v2', 'ct', 'timestamp', 'audit'];
const signedOften = ['rekor-v1', 'rekor-v2', 'ct'];

/** @type {readonly Place[]} */
export const places = [
  { letter: 'a', step: 'pooled', who: 'appliance', trees: written },
  { letter: 'b', step: 'locked', who: 'appliance', trees: written },
  { letter: 'c', step: 'known', who: 'appliance', trees: written },
  { letter: 'd', step: 'grown', who: 'appliance', trees: written },
  { letter: 'e', step: 'copied', who: 'appliance', trees: written },
  { letter: 'f', step: 'committed', who: 'appliance', trees: written },
  // Whichever tree signs next: the journal's lines do not pass by a name.
  { letter: 'g', step: 'journalled', who: 'agent', trees: [undefined] },
  { letter: 'g', step: 'signed', who: 'appliance', trees: signedOften },
  { letter: 'g', step: 'checkpoint', who: 'appliance', trees: signedOften },
  // Whichever tree fills a tile next.
  { letter: 'h', step: 'aside', who: 'appliance', trees: [undefined] },
  { letter: 'i', step: 'published', who: 'appliance', trees: signedOften },
];

/** @param {import('./chance.mjs').Chance} chance @param {number} count @returns {Round[]} */
export function planRounds(chance, count) {
  /** @type {Round[]} */
  const rounds = [];
  for (let pass = 0, first = 0; rounds.length < count; pass++) {
    if (pass % victims.length === 0) first = chance.between(0, victims.length);
    for (const [at, place] of places.entries()) {
      rounds.push({
        place,
        victim: /** @type {Victim} */ (victims[(first + at + pass) % victims.length]),
        tree: chance.oneOf(place.trees),
        skip: chance.between(0, 3),
        lingerMs: chance.between(0, 60),
        outageMs: chance.between(0, 1500),
      });
    }
  }
  return rounds.slice(0, count);
}
