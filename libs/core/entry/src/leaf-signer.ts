/** Who signed an entry, as the entry itself says it: nothing here is a verdict about the certificate. */
import { isFault } from '#core/fault';
import { DerReader } from '#core/der';
import { toUtf8 } from '#core/octets';
import { extensionValue, FULCIO, type Certificate } from '#core/x509';

export interface LeafSigner {
  /** DER SubjectPublicKeyInfo of the key that the signature verifies with. */
  readonly spki: Uint8Array;
  /** Alternative names of the certificate; none for a bare key. */
  readonly identities: readonly string[];
  /** Who vouched for the identity, as Fulcio's extensions name it. */
  readonly issuer: string | undefined;
  readonly certificate: Certificate | undefined;
}

function derText(value: Uint8Array): string {
  const reader = new DerReader(value);
  const text = reader.utf8();
  reader.finish();
  return text;
}

/**
 * The OpenID Connect issuer in a certificate (Fulcio's extension 8, or the older 1); undefined where there is none or
 * it does not parse: a log takes certificates as they come.
 */
export function oidcIssuer(certificate: Certificate): string | undefined {
  try {
    const newer = extensionValue(certificate, FULCIO.issuerV2.oid);
    if (newer !== undefined) return derText(newer);
    const older = extensionValue(certificate, FULCIO.issuer.oid);
    return older === undefined ? undefined : toUtf8(older);
  } catch (error) {
    if (isFault(error)) return undefined;
    throw error;
  }
}
