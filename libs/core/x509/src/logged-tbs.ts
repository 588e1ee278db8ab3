import { explicit, integer, sequence, time } from '#core/der';
import { Fault } from '#core/fault';
import { equalOctets } from '#core/octets';
import { parseTbs, type TbsCertificate } from './certificate.js';
import { formatExtension } from './extension.js';
import { OID } from './oids.js';

/**
 * The TBS that a certificate log promises for: `tbs` without poison and without SCT list (RFC 6962 §3.2).
 *
 * @throws {Fault} x509/not-loggable if what is left is not byte for byte what we would write ourselves: then
 *   clients that re-encode would compute other bytes, and the promise would not verify for them
 */
export function loggedTbs(tbs: Uint8Array): Uint8Array {
  const read = parseTbs(tbs);
  if (!equalOctets(encode(read, new Set()), tbs)) {
    throw new Fault(
      'refused',
      'x509/not-loggable',
      'the certificate is not in the canonical spelling that the log can promise for',
    );
  }
  return encode(read, new Set([OID.precertificatePoison, OID.sctList]));
}

function encode(tbs: TbsCertificate, without: ReadonlySet<string>): Uint8Array {
  return sequence(
    explicit(0, integer(tbs.version - 1)),
    integer(tbs.serial),
    tbs.signatureAlgorithm,
    tbs.issuerDer,
    sequence(time(tbs.notBeforeMs), time(tbs.notAfterMs)),
    tbs.subjectDer,
    tbs.spki,
    explicit(
      3,
      sequence(
        ...tbs.extensions
          .filter(({ oid }) => !without.has(oid))
          .map(({ oid, critical, value }) => formatExtension(oid, critical, value)),
      ),
    ),
  );
}
