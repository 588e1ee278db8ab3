/**
 * Whether a message reads as what its signer was opened for.
 *
 * Each purpose has a form that no other has: certificates, requests and attributes of tokens are DER and told apart
 * by their members, promises and tree heads by their first two octets, TUF files and statements by the member that
 * canonical JSON puts first, identity tokens by their alphabet. So a process that may ask for promises cannot have a
 * certificate signed, also where two services were given the same key.
 *
 * This reads forms, not meanings: whether a certificate is one that should exist was decided by its lints, and who
 * speaks to this process can name any purpose. What that gains is that each use is counted as what it was.
 */
import { DerReader, oidContent, TAG } from '#core/der';
import { Fault, isFault } from '#core/fault';
import { equalOctets } from '#core/octets';
import { isTrialMessage, type Purpose } from '../purpose.js';
import { isEmptyHead, readHead, type ReadHead } from './head.js';

/** @throws {Fault} hsm/purpose */
export function assertPurpose(purpose: Purpose, message: Buffer, head: ReadHead = readHead(message)): void {
  if (fits(purpose, message, head)) return;
  throw new Fault(
    'refused',
    'hsm/purpose',
    `the message does not read as what this signer was opened for (${purpose}); nothing was signed`,
  );
}

function fits(purpose: Purpose, message: Buffer, head: ReadHead): boolean {
  switch (purpose) {
    case 'tree-head':
      return head !== undefined && head !== 'doubtful' && message[0] === 0;
    case 'checkpoint':
    case 'transcript':
      return head !== undefined && head !== 'doubtful' && message[0] !== 0;
    case 'empty-head':
      return head !== undefined && head !== 'doubtful' && head.size === 0n && isEmptyHead(head);
    default:
      return head === undefined && FORMS[purpose](message);
  }
}

const FORMS: Readonly<
  Record<
    Exclude<Purpose, 'tree-head' | 'checkpoint' | 'transcript' | 'empty-head'>,
    (message: Buffer) => boolean
  >
> = {
  precertificate: (message) => certificateKind(message) === 'precertificate',
  certificate: (message) => certificateKind(message) === 'certificate',
  'ceremony-certificate': (message) => certificateKind(message) === 'ceremony-certificate',
  'certificate-request': isRequest,
  sct: isPromise,
  'entry-timestamp': isEntryTimestamp,
  'timestamp-token': isTimestampAttributes,
  'identity-token': (message) => /^eyJ[\w-]+\.[\w-]+$/.test(message.toString('latin1')),
  'tuf-root': begins('{"_type":"root",'),
  'tuf-targets': begins('{"_type":"targets",'),
  'tuf-snapshot': begins('{"_type":"snapshot",'),
  'tuf-timestamp': begins('{"_type":"timestamp",'),
  'audit-anchor': begins('{"apiVersion":"airseal/audit-anchor/v1",'),
  'genesis-statement': begins('{"apiVersion":"airseal/trust-material/v1",'),
  trial: isTrialMessage,
};

function begins(text: string): (message: Buffer) => boolean {
  const beginning = Buffer.from(text, 'utf8');
  return (message) =>
    message.length > beginning.length &&
    message.compare(beginning, 0, beginning.length, 0, beginning.length) === 0;
}

const POISON = oidContent('1.3.6.1.4.1.11129.2.4.3');
const SCT_LIST = oidContent('1.3.6.1.4.1.11129.2.4.2');
const CONTENT_TYPE = oidContent('1.2.840.113549.1.9.3');
const TST_INFO = oidContent('1.2.840.113549.1.9.16.1.4');
const EXTENSIONS = 0xa3;
const VERSION = 0xa0;

/** `undefined` for what is no member of that structure to the last octet. */
function readDer<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isFault(error)) return undefined;
    throw error;
  }
}

/** TBSCertificate (RFC 5280 §4.1): version, six members, and the extensions that tell what it is for. */
function certificateKind(
  message: Buffer,
): 'precertificate' | 'certificate' | 'ceremony-certificate' | undefined {
  return readDer(() => {
    const whole = new DerReader(message);
    const tbs = whole.sequence();
    whole.finish();
    tbs.expect(VERSION);
    tbs.expect(TAG.INTEGER);
    for (let member = 0; member < 5; member++) tbs.expect(TAG.SEQUENCE);
    const wrapped = tbs.inside(EXTENSIONS);
    tbs.finish();
    const extensions = wrapped.sequence();
    wrapped.finish();
    let [poison, promises] = [false, false];
    while (!extensions.atEnd) {
      const { content } = extensions.sequence().expect(TAG.OID);
      poison ||= equalOctets(content, POISON);
      promises ||= equalOctets(content, SCT_LIST);
    }
    if (poison && promises) return undefined;
    return poison ? 'precertificate' : promises ? 'certificate' : 'ceremony-certificate';
  });
}

/** CertificationRequestInfo (RFC 2986 §4.1). */
function isRequest(message: Buffer): boolean {
  return (
    readDer(() => {
      const whole = new DerReader(message);
      const info = whole.sequence();
      whole.finish();
      info.expect(TAG.INTEGER);
      info.expect(TAG.SEQUENCE);
      info.expect(TAG.SEQUENCE);
      info.expect(VERSION);
      info.finish();
      return true;
    }) ?? false
  );
}

/** SignedAttributes (RFC 5652 §5.4) of a TSTInfo. */
function isTimestampAttributes(message: Buffer): boolean {
  return (
    readDer(() => {
      const whole = new DerReader(message);
      const attributes = whole.inside(TAG.SET);
      whole.finish();
      let found = false;
      while (!attributes.atEnd) {
        const attribute = attributes.sequence();
        if (!equalOctets(attribute.expect(TAG.OID).content, CONTENT_TYPE)) continue;
        found = equalOctets(attribute.inside(TAG.SET).expect(TAG.OID).content, TST_INFO);
      }
      return found;
    }) ?? false
  );
}

const SCT_HEADER_BYTES = 12;
const KEY_HASH_BYTES = 32;

/** Version, type of signature, time, kind of entry, the entry, extensions (RFC 6962 §3.2). */
function isPromise(message: Buffer): boolean {
  if (message.length < SCT_HEADER_BYTES || message[0] !== 0 || message[1] !== 0) return false;
  const kind = message.readUInt16BE(10);
  if (kind > 1) return false;
  const entry = SCT_HEADER_BYTES + (kind === 1 ? KEY_HASH_BYTES : 0);
  if (message.length < entry + 3) return false;
  const extensions = entry + 3 + message.readUIntBE(entry, 3);
  return (
    message.length >= extensions + 2 && message.length === extensions + 2 + message.readUInt16BE(extensions)
  );
}

const BODY = Buffer.from('{"body":"', 'utf8');
const AFTER_BODY = /^","integratedTime":[0-9]{1,16},"logID":"[0-9a-f]{64}","logIndex":[0-9]{1,19}\}$/;
const LONGEST_AFTER_BODY = 192;

/** The payload of a SignedEntryTimestamp: four members in canonical order, and nothing inside the first. */
function isEntryTimestamp(message: Buffer): boolean {
  if (message.compare(BODY, 0, BODY.length, 0, Math.min(BODY.length, message.length)) !== 0) return false;
  const end = message.indexOf(0x22, BODY.length);
  return (
    end > 0 &&
    message.length - end <= LONGEST_AFTER_BODY &&
    !message.includes(0x5c) &&
    AFTER_BODY.test(message.toString('latin1', end))
  );
}
