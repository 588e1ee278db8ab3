/**
 * What the trust root offers for download, compiled from what the ceremonies produced.
 *
 * Beside the files that current clients read stand the single keys and certificates that older clients look
 * up by their custom metadata (CONTRACTS §7.3). Some clients download every target, so the list stays short.
 */
import { compileSigningConfig, compileTrustedRoot, formatTrustFile } from '#core/trust';
import { fromBase64, fromUtf8 } from '#core/octets';
import { formatPem } from '#core/pem';
import type { SigstoreCustom, TargetPlan } from '#core/tuf';
import type { Instance, TrustMaterial } from '#instance';

/** Clients of the inventory that never learned `trusted_root.json`, or fall back from it. */
const LEGACY_CLIENTS = ['cosign-2', 'gitsign', 'kyverno', 'policy-controller'];

export function publishedTargets(
  material: TrustMaterial,
  instance: Pick<Instance, 'defaultRekorApi' | 'clients'>,
): TargetPlan[] {
  const current: TargetPlan[] = [
    { name: 'trusted_root.json', bytes: formatTrustFile(compileTrustedRoot(material)) },
    {
      name: 'signing_config.v0.2.json',
      bytes: formatTrustFile(compileSigningConfig(material, instance.defaultRekorApi)),
    },
    {
      name: 'signing_config_rekor_v2.v0.2.json',
      bytes: formatTrustFile(compileSigningConfig(material, 'v2')),
    },
  ];
  const legacy =
    instance.clients.length === 0 || instance.clients.some((name) => LEGACY_CLIENTS.includes(name));
  return legacy ? [...current, ...legacyTargets(material)] : current;
}

function custom(usage: SigstoreCustom['usage'], uri: string, end: string | undefined): SigstoreCustom {
  return { usage, status: end === undefined ? 'Active' : 'Expired', uri };
}

function certificates(chain: readonly string[]): Uint8Array {
  return fromUtf8(chain.map((der) => formatPem('CERTIFICATE', fromBase64(der))).join(''));
}

function publicKey(spki: string): Uint8Array {
  return fromUtf8(formatPem('PUBLIC KEY', fromBase64(spki)));
}

/** The first entry of a role keeps the file name that old clients fall back to; later ones are numbered. */
function numbered(name: string, at: number): string {
  const [stem = name, ...rest] = name.split('.');
  return at === 0 ? name : [`${stem}_${at}`, ...rest].join('.');
}

function legacyTargets(material: TrustMaterial): TargetPlan[] {
  const plans: TargetPlan[] = [];
  newestFirst(material.certificateAuthorities).forEach(({ chain, url, end }, at) => {
    const about = custom('Fulcio', url, end);
    plans.push(
      { name: numbered('fulcio_v1.crt.pem', at), bytes: certificates(chain.slice(-1)), custom: about },
      {
        name: numbered('fulcio_intermediate_v1.crt.pem', at),
        bytes: certificates(chain.slice(0, -1)),
        custom: about,
      },
    );
  });
  newestFirst(material.rekorV1).forEach(({ key, url, end }, at) => {
    plans.push({
      name: numbered('rekor.pub', at),
      bytes: publicKey(key.spki),
      custom: custom('Rekor', url, end),
    });
  });
  newestFirst(material.ctLogs).forEach(({ key, url, end }, at) => {
    plans.push({
      name: numbered('ctfe.pub', at),
      bytes: publicKey(key.spki),
      custom: custom('CTFE', url, end),
    });
  });
  newestFirst(material.timestampAuthorities).forEach(({ chain, url, end }, at) => {
    const about = custom('TSA', url, end);
    plans.push({
      name: numbered('tsa_leaf.crt.pem', at),
      bytes: certificates(chain.slice(0, 1)),
      custom: about,
    });
    chain.slice(1, -1).forEach((der, depth) => {
      plans.push({
        name: numbered(`tsa_intermediate_${depth}.crt.pem`, at),
        bytes: certificates([der]),
        custom: about,
      });
    });
    plans.push({
      name: numbered('tsa_root.crt.pem', at),
      bytes: certificates(chain.slice(-1)),
      custom: about,
    });
  });
  return plans;
}

function newestFirst<T extends { readonly start: string }>(entries: readonly T[]): T[] {
  return entries.toSorted((a, b) => (a.start < b.start ? 1 : a.start > b.start ? -1 : 0));
}
