import { toBase64 } from '#core/octets';
import type { HeadSigner, Hsm, PlainPurpose } from '#hsm';
import type { TrustMaterial } from '#instance';
import { softwareSigner } from './software-signer.js';

/** Keys in memory by label, and the trust material that names them: for specs whose subject is not the token. */
export class SoftwareHsm implements Pick<Hsm, 'signer' | 'headSigner'> {
  readonly #signers = new Map<string, HeadSigner>();

  signer(uri: string, _purpose: PlainPurpose): Promise<HeadSigner> {
    return Promise.resolve(this.named(uri.replace('pkcs11:object=', '')));
  }

  headSigner(uri: string): Promise<HeadSigner> {
    return Promise.resolve(this.named(uri.replace('pkcs11:object=', '')));
  }

  named(label: string): HeadSigner {
    const signer = this.#signers.get(label) ?? softwareSigner(label);
    this.#signers.set(label, signer);
    return signer;
  }

  key(label: string): TrustMaterial['audit'] {
    const { uri, algorithm, spki } = this.named(label);
    return { uri, token: 'online', algorithm, spki: toBase64(spki) };
  }
}

/** Trust material with one shard of everything; `roots` end the chains of the certificate authority. */
export function materialOf(hsm: SoftwareHsm, chain: readonly Uint8Array[] = []): TrustMaterial {
  const start = '2026-01-01T00:00:00Z';
  const url = 'https://log.test';
  return {
    apiVersion: 'airseal/trust-material/v1',
    mode: 'evaluation',
    organisation: 'Spec',
    createdAt: start,
    certificateAuthorities: [{ key: hsm.key('ca'), chain: chain.map(toBase64), url, start }],
    timestampAuthorities: [{ key: hsm.key('tsa'), chain: chain.map(toBase64), url, start }],
    ctLogs: [{ name: '2026-1', url: `${url}/ct/2026-1`, key: hsm.key('ct'), start }],
    rekorV1: [
      {
        name: '2026-1',
        url,
        treeId: '1193050959916656506',
        origin: 'log.test - 1193050959916656506',
        key: hsm.key('rekor-v1'),
        start,
      },
    ],
    rekorV2: [
      {
        name: '2026-1',
        url: 'https://v2.log.test:8443',
        origin: 'v2.log.test',
        key: hsm.key('rekor-v2'),
        start,
      },
    ],
    tuf: { url, threshold: 2, officers: [], snapshot: hsm.key('snapshot'), timestamp: hsm.key('timestamp') },
    audit: hsm.key('audit'),
    transcript: hsm.key('transcript'),
  };
}
