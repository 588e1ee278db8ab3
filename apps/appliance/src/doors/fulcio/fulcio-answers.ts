/**
 * What Fulcio's doors answer, the same over JSON and gRPC; and the counts that existing boards look for.
 */
import { formatPem } from '#core/pem';
import type { IssueCertificate, SigningRequest } from '#ca';
import type { ProveIdentity } from '#identity';
import type { Metrics } from '#platform';
import { fulcioRefusal } from './fulcio-refusal.js';

/** One issuer as the configuration tells it; wildcards have a name of their own. */
export interface IssuerAnswer {
  readonly issuerUrl?: string;
  readonly wildcardIssuerUrl?: string;
  readonly audience: string;
  readonly challengeClaim: string;
  readonly spiffeTrustDomain: string;
  readonly issuerType: string;
  readonly subjectDomain: string;
  readonly skipEmailVerification: boolean;
}

export class FulcioAnswers {
  readonly #ca: IssueCertificate;
  readonly #identities: ProveIdentity;
  readonly #issued;
  readonly #latency;

  constructor(ca: IssueCertificate, identities: ProveIdentity, metrics: Metrics) {
    this.#ca = ca;
    this.#identities = identities;
    this.#issued = metrics.counter('fulcio_new_certs', 'The total number of certificates generated');
    this.#latency = metrics.histogram('fulcio_api_latency', 'API Latency on calls', ['code', 'method']);
  }

  /** PEM, leaf first, root last, each without a final newline. @throws {Fault} identity/…, ca/… */
  async sign(request: SigningRequest): Promise<readonly string[]> {
    const { chain } = await this.#ca.execute(request);
    this.#issued.inc();
    return chain.map((der) => formatPem('CERTIFICATE', der).trimEnd());
  }

  /** Chains to trust, PEM with final newlines: issuing certificate first, root last. */
  trustBundle(): readonly (readonly string[])[] {
    return this.#ca.authorities.map(({ chain }) => chain.map(({ der }) => formatPem('CERTIFICATE', der)));
  }

  issuers(): readonly IssuerAnswer[] {
    const { issuers, wildcards } = this.#identities.issuers;
    return [
      ...issuers.map((issuer) => ({ issuerUrl: issuer.issuerUrl, issuer })),
      ...wildcards.map((issuer) => ({ wildcardIssuerUrl: issuer.issuerUrl, issuer })),
    ].map(({ issuer, ...url }) => ({
      ...url,
      audience: issuer.clientId,
      challengeClaim: issuer.challengeClaim,
      spiffeTrustDomain: issuer.spiffeTrustDomain,
      issuerType: issuer.type.name,
      subjectDomain: issuer.subjectDomain,
      skipEmailVerification: issuer.skipEmailVerification,
    }));
  }

  /** Runs one call and times it under the status that it ends with. */
  async timed<T>(method: string, success: number, call: () => Promise<T> | T): Promise<T> {
    const end = this.#latency.startTimer({ method });
    try {
      const result = await call();
      end({ code: String(success) });
      return result;
    } catch (error) {
      end({ code: String(fulcioRefusal(error).status) });
      throw error;
    }
  }
}
