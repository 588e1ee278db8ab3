/**
 * Initialises the one free token that SOFTHSM2_CONF shows: label, security officer's PIN, user PIN.
 *
 *   node softhsm/initialise-token.mjs <library> <label> <file with SO PIN> <file with user PIN>
 *
 * softhsm2-util would want the PINs on its command line, where every user of the machine can read them.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [library, label, soPinFile, pinFile] = process.argv.slice(2);
if (library === undefined || label === undefined || soPinFile === undefined || pinFile === undefined) {
  process.stderr.write('usage: initialise-token.mjs <library> <label> <file with SO PIN> <file with user PIN>\n');
  process.exit(2);
}

/** @type {typeof import('pkcs11js')} */
const pkcs11js = createRequire(import.meta.url)('pkcs11js');
const soPin = readFileSync(soPinFile, 'utf8').trim();
const pin = readFileSync(pinFile, 'utf8').trim();

const pkcs11 = new pkcs11js.PKCS11();
pkcs11.load(library);
pkcs11.C_Initialize();
try {
  const free = pkcs11
    .C_GetSlotList(true)
    .find((slot) => (pkcs11.C_GetTokenInfo(slot).flags & pkcs11js.CKF_TOKEN_INITIALIZED) === 0);
  if (free === undefined) throw new Error('no uninitialised token in the configured directory');
  // PKCS #11 wants labels padded with blanks to 32 octets, not ended by a zero.
  pkcs11.C_InitToken(free, soPin, label.padEnd(32));

  // SoftHSM numbers a token anew once it has a serial number: find it again by its label.
  const slot = pkcs11.C_GetSlotList(true).find((each) => pkcs11.C_GetTokenInfo(each).label.trim() === label);
  if (slot === undefined) throw new Error(`token ${label} is not there after it was initialised`);
  const session = pkcs11.C_OpenSession(slot, pkcs11js.CKF_RW_SESSION | pkcs11js.CKF_SERIAL_SESSION);
  pkcs11.C_Login(session, pkcs11js.CKU_SO, soPin);
  pkcs11.C_InitPIN(session, pin);
  pkcs11.C_Logout(session);
  pkcs11.C_CloseSession(session);
} finally {
  pkcs11.C_Finalize();
  pkcs11.close();
}
