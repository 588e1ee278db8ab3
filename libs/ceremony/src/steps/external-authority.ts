/**
 * Intermediates under somebody else's root: a request goes out, a chain comes in.
 *
 * What comes in is judged like what we sign ourselves, by our lints and by two readers, and it must certify
 * exactly the key that asked. The authority's own taste (other extensions, other names) is let pass where no
 * verifier stumbles over it: errors stop the ceremony, notices are kept in the transcript.
 */
import 'reflect-metadata';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Pkcs10CertificateRequest } from '@peculiar/x509';
import { sha256 } from '#core/crypto';
import { bitString, contextConstructed, element, integer, sequence } from '#core/der';
import { Fault } from '#core/fault';
import { equalOctets, fromBase64, toBase64, toHex } from '#core/octets';
import { parsePem } from '#core/pem';
import {
  algorithmIdentifier,
  assertNoErrors,
  formatName,
  lintCertificate,
  nameText,
  parseCertificate,
  parseCsr,
  verifyChain,
} from '#core/x509';
import { readCertificateTwice, verifyChainTwice } from '../certificate-second-reader.js';
import type { StepOf } from '../script.js';
import type { StepWork } from '../step-work.js';

/** CertificationRequestInfo (RFC 2986 §4.1) without attributes: the authority decides what it certifies. */
function requestInfo(subject: Uint8Array, spki: Uint8Array): Uint8Array {
  return sequence(integer(0), subject, spki, element(contextConstructed(0), new Uint8Array()));
}

export const requestCertificate: StepWork<StepOf<'x509.request'>> = {
  intend: (step, bench) => ({ key: bench.key(step.key).uri }),

  async perform(step, bench) {
    const signer = await bench.signer(step.key, 'certificate-request');
    const subject = formatName({ organisation: bench.organisation, commonName: step.subject.commonName });
    const info = requestInfo(subject, signer.spki);
    const request = sequence(info, algorithmIdentifier(signer.algorithm), bitString(await signer.sign(info)));
    parseCsr(request);
    if (!(await new Pkcs10CertificateRequest(Uint8Array.from(request)).verify())) {
      throw new Fault(
        'corrupt',
        'ceremony/second-reader',
        'a second reader refuses the request that was made',
      );
    }
    return { request: toBase64(request), sha256: toHex(sha256(request)) };
  },
};

export const acceptCertificate: StepWork<StepOf<'x509.accept'>> = {
  async perform(step, bench) {
    const place = join('ceremonies', basename(bench.runDirectory), 'inputs', step.from);
    const text = await readFile(join(bench.runDirectory, 'inputs', step.from), 'utf8').catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
        throw new Fault(
          'unavailable',
          'ceremony/waiting',
          `waiting for ${step.from}: hand the request in trust/ to your authority, put the chain it sends (PEM, ` +
            `the new certificate first, the root last) to ${place} in the state directory, and run again`,
        );
      },
    );
    const chain = parsePem(text).map(({ der }) => parseCertificate(der));
    const [own, ...above] = chain;
    if (own === undefined || !equalOctets(own.spki, fromBase64(bench.key(step.key).spki))) {
      throw new Fault(
        'refused',
        'ceremony/foreign-key',
        `the first certificate in ${step.from} is not of the key that asked for it`,
      );
    }
    verifyChain(chain);
    await verifyChainTwice(chain.map(({ der }) => der));
    const [issuer] = above;
    const findings = lintCertificate(own.der, {
      role: step.role,
      ...(issuer === undefined ? {} : { issuer }),
    });
    assertNoErrors(findings);
    for (const { der } of chain) await readCertificateTwice(der);
    return {
      certificate: toBase64(own.der),
      above: above.map(({ der }) => toBase64(der)),
      subject: nameText(own.subjectDer),
      findings: findings.map(({ id, severity, message }) => ({ id, severity, message })),
    };
  },
};
