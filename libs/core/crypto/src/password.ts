/**
 * Passwords of people, kept as something that is dear to guess.
 *
 * `standard` uses scrypt (RFC 7914), whose memory makes special hardware as slow as ours; the fips profile has only
 * PBKDF2 (SP 800-132). What is stored names its own algorithm and cost, so that either may rise later without
 * a flag day. The salt is handed in, as chance always is here.
 */
import { pbkdf2, scrypt, timingSafeEqual } from 'node:crypto';
import { Fault } from '#core/fault';
import { fromBase64Url, fromUtf8, toBase64Url } from '#core/octets';
import { assertPermitted, profileInUse } from './profile.js';

/** OWASP's password storage guidance: 32 MiB and about a tenth of a second. */
const SCRYPT = { N: 1 << 15, r: 8, p: 3, maxmem: 1 << 26 } as const;
const PBKDF2_ITERATIONS = 600_000;
const LENGTH = 32;
const SALT_LENGTH = 16;

interface Recipe {
  readonly name: 'scrypt' | 'pbkdf2-sha256';
  /** Cost, as it is spelt in what is stored. */
  readonly cost: string;
  derive(password: Uint8Array, salt: Uint8Array): Promise<Uint8Array>;
}

const RECIPES: Readonly<Record<Recipe['name'], Recipe>> = {
  scrypt: {
    name: 'scrypt',
    cost: `N=${SCRYPT.N},r=${SCRYPT.r},p=${SCRYPT.p}`,
    derive: (password, salt) =>
      new Promise((resolve, reject) => {
        scrypt(password, salt, LENGTH, SCRYPT, (error, key) =>
          error === null ? resolve(key) : reject(error),
        );
      }),
  },
  'pbkdf2-sha256': {
    name: 'pbkdf2-sha256',
    cost: `i=${PBKDF2_ITERATIONS}`,
    derive: (password, salt) =>
      new Promise((resolve, reject) => {
        pbkdf2(password, salt, PBKDF2_ITERATIONS, LENGTH, 'sha256', (error, key) =>
          error === null ? resolve(key) : reject(error),
        );
      }),
  },
};

/** One spelling per password, whatever keyboard it came from (SP 800-63B §3.1.1.2). */
function octetsOf(password: string): Uint8Array {
  return fromUtf8(password.normalize('NFKC'));
}

/**
 * What to store of `password`: algorithm, cost, salt and key, separated by `$`.
 *
 * @param salt 16 random octets, for this password alone
 */
export async function hashPassword(password: string, salt: Uint8Array): Promise<string> {
  if (salt.length !== SALT_LENGTH) throw new RangeError(`a salt has ${SALT_LENGTH} octets`);
  const recipe = RECIPES[profileInUse() === 'fips' ? 'pbkdf2-sha256' : 'scrypt'];
  const key = await recipe.derive(octetsOf(password), salt);
  return [recipe.name, recipe.cost, toBase64Url(salt), toBase64Url(key)].join('$');
}

/**
 * Whether `password` is the one that `stored` was made of; takes as long for a wrong one.
 *
 * @throws {Fault} crypto/not-permitted for a hash of another profile, crypto/password-hash if it does not parse
 */
export async function passwordMatches(password: string, stored: string): Promise<boolean> {
  const [name = '', cost, salt = '', key = '', ...rest] = stored.split('$');
  const recipe = Object.values(RECIPES).find((known) => known.name === name);
  if (recipe === undefined || cost !== recipe.cost || rest.length > 0) {
    throw new Fault('corrupt', 'crypto/password-hash', 'a stored password hash does not parse');
  }
  assertPermitted(recipe.name);
  const expected = fromBase64Url(key);
  const derived = await recipe.derive(octetsOf(password), fromBase64Url(salt));
  return expected.length === derived.length && timingSafeEqual(expected, derived);
}
