import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '#core/crypto';
import { Fault } from '#core/fault';
import { equalOctets, fromBase64, fromUtf8, toHex } from '#core/octets';
import { formatPem } from '#core/pem';
import {
  compileClientTrustConfig,
  compileSigningConfig,
  compileTrustedRoot,
  formatTrustFile,
} from '#core/trust';
import { ChainResult, RequestResult, TufFileResult } from '../results.js';
import type { StepOf } from '../script.js';
import type { StepWork } from '../step-work.js';
import { EVALUATION_MARK, type Workbench } from '../workbench.js';
import { materialOf } from './trust.js';

type WriteStep = StepOf<'artefact.write'>;

function pem(label: string, ...ders: readonly string[]): Uint8Array {
  return fromUtf8(ders.map((der) => formatPem(label, fromBase64(der))).join(''));
}

function contentOf(step: WriteStep, bench: Workbench): Uint8Array {
  const api = bench.plan.parameters.instance.defaultRekorApi;
  switch (step.as) {
    case 'certificates':
      return pem('CERTIFICATE', ...bench.result(step.of, ChainResult).chain);
    case 'certificate-request':
      return pem('CERTIFICATE REQUEST', bench.result(step.of, RequestResult).request);
    case 'trusted-root':
      return formatTrustFile(compileTrustedRoot(materialOf(bench, step.of)));
    case 'signing-config':
      return formatTrustFile(compileSigningConfig(materialOf(bench, step.of), api));
    case 'signing-config-v2':
      return formatTrustFile(compileSigningConfig(materialOf(bench, step.of), 'v2'));
    case 'client-trust-config':
      return formatTrustFile(compileClientTrustConfig(materialOf(bench, step.of), api));
    case 'rekor-key':
      return pem('PUBLIC KEY', ...materialOf(bench, step.of).rekorV1.map(({ key }) => key.spki));
    case 'ct-key':
      return pem('PUBLIC KEY', ...materialOf(bench, step.of).ctLogs.map(({ key }) => key.spki));
    case 'tuf-file':
      return fromBase64(bench.result(step.of, TufFileResult).bytes);
    case 'bootstrap-card':
      return bootstrapCard(bench, fromBase64(bench.result(step.of, TufFileResult).bytes));
    case 'trust-material':
      return fromUtf8(`${JSON.stringify(materialOf(bench, step.of), null, 2)}\n`);
  }
}

/** What people carry to a client by hand: with it, a root that came over the network can be believed. */
function bootstrapCard(bench: Workbench, root: Uint8Array): Uint8Array {
  const { instance } = bench.plan.parameters;
  const digest = toHex(sha256(root));
  const lines = [
    `Trust bootstrap card of ${instance.organisation} (${instance.name})`,
    ...(bench.mode === 'evaluation' ? [`*** ${EVALUATION_MARK} ***`] : []),
    '',
    `TUF repository   ${instance.services.tuf}`,
    'root.json        SHA-256',
    ...(digest.match(/.{16}/g) ?? []).map(
      (part) => `                 ${(part.match(/.{4}/g) ?? []).join(' ')}`,
    ),
    '',
    `cosign initialize --mirror ${instance.services.tuf} --root root.json --root-checksum ${digest}`,
    '',
  ];
  return fromUtf8(lines.join('\n'));
}

/** Once: a file that stands there already with other bytes belongs to somebody else and is left alone. */
export const writeArtefact: StepWork<WriteStep> = {
  intend: (step, bench) => ({ to: `trust/${step.to}`, sha256: toHex(sha256(contentOf(step, bench))) }),

  async perform(step, bench) {
    const bytes = contentOf(step, bench);
    await mkdir(bench.trustDirectory, { recursive: true, mode: 0o755 });
    const path = join(bench.trustDirectory, step.to);
    const standing = await readFile(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (standing !== undefined && !equalOctets(standing, bytes)) {
      throw new Fault(
        'conflict',
        'ceremony/output',
        `trust/${step.to} stands already, with other content: move it away first`,
      );
    }
    if (standing === undefined) await writeDurably(bench.trustDirectory, step.to, bytes);
    return { to: `trust/${step.to}`, sha256: toHex(sha256(bytes)), length: bytes.length };
  },
};

export async function writeDurably(directory: string, name: string, bytes: Uint8Array): Promise<void> {
  const temporary = join(directory, `.${name}.${randomBytes(6).toString('hex')}.part`);
  const file = await open(temporary, 'wx', 0o644);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, join(directory, name));
  const handle = await open(directory, 'r');
  await handle.sync();
  await handle.close();
}
