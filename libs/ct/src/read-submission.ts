/**
 * What a submitter of a chain must show (RFC 6962 §3.1): each certificate issued by the next one, up to a root that
 * this log trusts. The log trusts roots only; a chain may leave its root out.
 */
import { certificateExtraData, precertificateExtraData, type LogEntry } from '#core/ct';
import { Fault, isFault } from '#core/fault';
import { equalOctets } from '#core/octets';
import { extensionValue, issuerKeyHash, loggedTbs, OID, parseCertificate, verifyChain } from '#core/x509';

export interface Submission {
  readonly entry: LogEntry;
  /** `extra_data` of get-entries. */
  readonly extra: Uint8Array;
}

const MAX_CHAIN = 10;

function refused(message: string, cause?: unknown): Fault {
  return new Fault('malformed', 'ct/chain', message, cause === undefined ? {} : { cause });
}

/** @throws {Fault} ct/chain */
export function readSubmission(
  kind: 'certificate' | 'precertificate',
  chain: readonly Uint8Array[],
  roots: readonly Uint8Array[],
): Submission {
  if (chain.length === 0 || chain.length > MAX_CHAIN)
    throw refused(`a chain has 1 to ${MAX_CHAIN} certificates`);
  try {
    const given = chain.map(parseCertificate);
    const last = given.at(-1);
    const root = roots.find(
      (der) => last !== undefined && equalOctets(parseCertificate(der).subjectDer, last.issuerDer),
    );
    if (last === undefined || root === undefined)
      throw refused('the chain does not end in a root that this log trusts');
    const whole = equalOctets(last.der, root) ? given : [...given, parseCertificate(root)];
    verifyChain(whole);
    const [leaf, issuer] = whole;
    if (leaf === undefined || issuer === undefined) throw refused('the chain is only a root');
    const poison = extensionValue(leaf, OID.precertificatePoison);
    if ((poison !== undefined) !== (kind === 'precertificate')) {
      throw refused(
        kind === 'certificate'
          ? 'send precertificates to add-pre-chain'
          : 'send final certificates to add-chain',
      );
    }
    const issuers = whole.slice(1).map(({ der }) => der);
    return kind === 'certificate'
      ? { entry: { kind, der: leaf.der }, extra: certificateExtraData(issuers) }
      : {
          entry: { kind, issuerKeyHash: issuerKeyHash(issuer), tbs: loggedTbs(leaf.tbs) },
          extra: precertificateExtraData(leaf.der, issuers),
        };
  } catch (error) {
    if (!isFault(error) || error.code === 'ct/chain') throw error;
    throw refused(`the chain does not verify: ${error.message}`, error);
  }
}
