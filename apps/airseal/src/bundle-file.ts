import { writeFileSync } from 'node:fs';
import { bundleFromJSON, bundleToJSON, isBundleWithCertificateChain, type Bundle } from '@sigstore/bundle';
import { Fault } from '#core/fault';
import { flag, readMessageJson } from './places.js';
import type { Flags } from './verb.js';

export function bundlePath(flags: Flags, artifact: string): string {
  return flag(flags, 'bundle') ?? `${artifact}.sigstore.json`;
}

function noSignature(path: string): Fault {
  return new Fault('unverified', 'bundle/no-signature', `${path} holds no signature`);
}

/** A bundle in all but the signature: the library would call that malformed, pipelines call it unsigned. */
function lacksSignature(json: unknown): boolean {
  const { messageSignature, dsseEnvelope } = (json ?? {}) as {
    readonly messageSignature?: { readonly signature?: unknown } | null;
    readonly dsseEnvelope?: { readonly signatures?: unknown } | null;
  };
  if (typeof messageSignature === 'object' && messageSignature !== null)
    return (messageSignature.signature ?? '') === '';
  if (typeof dsseEnvelope !== 'object' || dsseEnvelope === null) return false;
  const { signatures } = dsseEnvelope;
  return !Array.isArray(signatures) || signatures.length === 0;
}

/** @throws {Fault} bundle/malformed, bundle/no-signature, bundle/no-certificate */
export function readBundle(path: string): Bundle {
  const json = readMessageJson(path, 'bundle');
  if (lacksSignature(json)) throw noSignature(path);
  let bundle: Bundle;
  try {
    bundle = bundleFromJSON(json);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Fault('malformed', 'bundle/malformed', `${path} is not a sigstore bundle: ${why}`, { cause });
  }
  const { content } = bundle;
  const signature =
    content.$case === 'dsseEnvelope'
      ? content.dsseEnvelope.signatures[0]?.sig
      : content.messageSignature.signature;
  if (signature === undefined || signature.length === 0) {
    throw noSignature(path);
  }
  if (bundle.verificationMaterial.content.$case === 'publicKey') {
    throw new Fault(
      'unverified',
      'bundle/no-certificate',
      `${path} holds no certificate, so it names no signer`,
    );
  }
  return bundle;
}

/**
 * Writes a bundle in the form that all current clients read: version 0.3, one certificate instead of a
 * chain. The kept library still builds message signatures in the older form.
 */
export function writeBundle(path: string, bundle: Bundle): void {
  const written = isBundleWithCertificateChain(bundle) ? modernised(bundle) : bundle;
  writeFileSync(path, `${JSON.stringify(bundleToJSON(written))}\n`, { mode: 0o644 });
}

function modernised(bundle: Bundle): Bundle {
  const { content } = bundle.verificationMaterial;
  const leaf =
    content.$case === 'x509CertificateChain' ? content.x509CertificateChain.certificates[0] : undefined;
  if (leaf === undefined) return bundle;
  return {
    ...bundle,
    mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    verificationMaterial: {
      ...bundle.verificationMaterial,
      content: { $case: 'certificate', certificate: leaf },
    },
  } as Bundle;
}
