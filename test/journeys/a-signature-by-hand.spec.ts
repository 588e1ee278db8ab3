/**
 * A whole signature with nothing of Sigstore's but paper: a key, a proof, a certificate, a log entry, a timestamp,
 * put together as a bundle. Then the kept library of other people judges it with the trusted root.
 */
import { describe, expect, test } from '@jest/globals';
import { bundleFromJSON } from '@sigstore/bundle';
import { toSignedEntity } from '@sigstore/verify';
import { installation } from '../kit/index.js';
import { hashedRekordV1, hashedRekordV2 } from './proposals.js';
import { certified, sha256 } from './signer.js';
import { timestampRequest } from './timestamp-requests.js';
import { sigstoreVerifier } from './trust.js';
import { post } from './wire.js';

const { origin, shardOrigin, identity } = installation();
const ARTIFACT = 'what a person made\n';

async function stamp(signature: Buffer): Promise<string> {
  const request = timestampRequest({ digest: sha256(signature) });
  const { body } = await post(origin, '/api/v1/timestamp', request, {
    'Content-Type': 'application/timestamp-query',
  });
  return body.toString('base64');
}

function bundle(leaf: Buffer, signature: Buffer, entry: object, timestamp: string): unknown {
  return {
    mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    verificationMaterial: {
      certificate: { rawBytes: leaf.toString('base64') },
      tlogEntries: [entry],
      timestampVerificationData: { rfc3161Timestamps: [{ signedTimestamp: timestamp }] },
    },
    messageSignature: {
      messageDigest: { algorithm: 'SHA2_256', digest: sha256(ARTIFACT).toString('base64') },
      signature: signature.toString('base64'),
    },
  };
}

interface V1Entry {
  readonly body: string;
  readonly integratedTime: number;
  readonly logID: string;
  readonly logIndex: number;
  readonly verification: {
    readonly signedEntryTimestamp: string;
    readonly inclusionProof: {
      checkpoint: string;
      hashes: string[];
      logIndex: number;
      rootHash: string;
      treeSize: number;
    };
  };
}

const fromHex = (hex: string): string => Buffer.from(hex, 'hex').toString('base64');

function asTransparencyLogEntry({ body, integratedTime, logID, logIndex, verification }: V1Entry): object {
  const { checkpoint, hashes, rootHash, treeSize, ...proof } = verification.inclusionProof;
  return {
    logIndex: String(logIndex),
    logId: { keyId: fromHex(logID) },
    kindVersion: { kind: 'hashedrekord', version: '0.0.1' },
    integratedTime: String(integratedTime),
    inclusionPromise: { signedEntryTimestamp: verification.signedEntryTimestamp },
    inclusionProof: {
      logIndex: String(proof.logIndex),
      rootHash: fromHex(rootHash),
      treeSize: String(treeSize),
      hashes: hashes.map(fromHex),
      checkpoint: { envelope: checkpoint },
    },
    canonicalizedBody: body,
  };
}

function judge(made: unknown, artifact = ARTIFACT): void {
  const entity = toSignedEntity(bundleFromJSON(made), Buffer.from(artifact));
  const verifier = sigstoreVerifier({ ctlogThreshold: 1, tlogThreshold: 1, timestampThreshold: 1 });
  const signer = verifier.verify(entity, {
    subjectAlternativeName: identity,
    extensions: { issuer: `${origin}/oidc` },
  });
  expect(signer.identity?.subjectAlternativeName).toBe(identity);
}

describe('a signature made by hand', () => {
  test('through the log of v1 convinces the verifier of others', async () => {
    const signer = await certified();
    const proposal = hashedRekordV1(signer, ARTIFACT);
    const signature = Buffer.from(proposal.spec.signature.content, 'base64');
    const answer = await post(origin, '/api/v1/log/entries', proposal);
    const [entry] = Object.values(JSON.parse(answer.text) as Record<string, V1Entry>);
    if (entry === undefined) throw new Error('no entry');
    const made = bundle(signer.leaf.raw, signature, asTransparencyLogEntry(entry), await stamp(signature));
    judge(made);
    expect(() => judge(made, 'what a person made, changed\n')).toThrow();
  });

  test('through the log of v2 convinces the verifier of others', async () => {
    const signer = await certified();
    const request = hashedRekordV2(signer, ARTIFACT);
    const signature = Buffer.from(request.hashedRekordRequestV002.signature.content, 'base64');
    const entry = JSON.parse((await post(shardOrigin, '/api/v2/log/entries', request)).text) as Record<
      string,
      unknown
    >;
    const { inclusionPromise: _none, ...rest } = entry;
    const made = bundle(signer.leaf.raw, signature, rest, await stamp(signature));
    judge(made);
    expect(() => judge(made, 'what a person made, changed\n')).toThrow();
  });
});
