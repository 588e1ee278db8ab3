/** In-toto statements (in-toto attestation framework v1) about one file. */
import { Fault } from '#core/fault';
import { sha256 } from '#core/crypto';
import { toHex } from '#core/octets';

export const STATEMENT_PAYLOAD_TYPE = 'application/vnd.in-toto+json';

/** cosign's short names of predicate types. */
const PREDICATE_TYPES: Readonly<Record<string, string>> = {
  custom: 'https://cosign.sigstore.dev/attestation/v1',
  slsaprovenance: 'https://slsa.dev/provenance/v0.2',
  slsaprovenance02: 'https://slsa.dev/provenance/v0.2',
  slsaprovenance1: 'https://slsa.dev/provenance/v1',
  link: 'https://in-toto.io/Link/v1',
  spdx: 'https://spdx.dev/Document',
  spdxjson: 'https://spdx.dev/Document',
  cyclonedx: 'https://cyclonedx.org/bom',
  vuln: 'https://cosign.sigstore.dev/attestation/vuln/v1',
  openvex: 'https://openvex.dev/ns',
};

/** @throws {Fault} statement/predicate-type unless `name` is a known short name or a URI */
export function predicateType(name: string): string {
  const type = PREDICATE_TYPES[name] ?? name;
  if (!URL.canParse(type)) {
    const known = Object.keys(PREDICATE_TYPES).join(', ');
    throw new Fault('malformed', 'statement/predicate-type', `--type must be a URI or one of ${known}`);
  }
  return type;
}

export function formatStatement(
  name: string,
  artifact: Uint8Array,
  type: string,
  predicate: unknown,
): Buffer {
  return Buffer.from(
    JSON.stringify({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name, digest: { sha256: toHex(sha256(artifact)) } }],
      predicateType: predicateType(type),
      predicate,
    }),
  );
}

/**
 * Checks that the statement in `payload` is about `artifact` and of the asked type.
 *
 * @throws {Fault} statement/malformed, statement/other-subject, statement/other-type
 */
export function verifyStatement(payload: Uint8Array, artifact: Uint8Array, type: string | undefined): string {
  let statement: {
    predicateType?: unknown;
    subject?: readonly ({ digest?: Record<string, unknown> | null } | null)[];
  } | null;
  try {
    statement = JSON.parse(Buffer.from(payload).toString('utf8')) as typeof statement;
  } catch (cause) {
    throw new Fault('malformed', 'statement/malformed', 'the signed payload is not an in-toto statement', {
      cause,
    });
  }
  const digest = toHex(sha256(artifact));
  if (
    !Array.isArray(statement?.subject) ||
    !statement.subject.some((subject) => subject?.digest?.['sha256'] === digest)
  ) {
    throw new Fault('unverified', 'statement/other-subject', 'the statement is about another artifact');
  }
  const { predicateType: found } = statement;
  if (typeof found !== 'string')
    throw new Fault('malformed', 'statement/malformed', 'the signed payload names no predicate type');
  if (type !== undefined && found !== predicateType(type)) {
    throw new Fault('unverified', 'statement/other-type', `the statement is of type ${found}`);
  }
  return found;
}
