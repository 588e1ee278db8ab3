/** Every kind of step that a script may use, and how it is done. */
import type { StepWorks } from '../step-work.js';
import { writeArtefact } from './artefacts.js';
import { buildCertificate, lintDraft, proveChain, signCertificate } from './certificates.js';
import { acceptCertificate, requestCertificate } from './external-authority.js';
import { adoptKey, generateKey, inventory } from './keys.js';
import { logKey } from './logs.js';
import { compileTrust, lintTrust } from './trust.js';
import { assembleTuf, buildTuf, publishTuf, signTuf, verifyTuf } from './tuf.js';

export const STEP_WORKS: StepWorks = {
  'hsm.inventory': inventory,
  'key.generate': generateKey,
  'key.adopt': adoptKey,
  'x509.build': buildCertificate,
  'x509.lint': lintDraft,
  'x509.sign': signCertificate,
  'x509.chain': proveChain,
  'x509.request': requestCertificate,
  'x509.accept': acceptCertificate,
  'log.key': logKey,
  'trustroot.compile': compileTrust,
  'trustroot.lint': lintTrust,
  'tuf.build': buildTuf,
  'tuf.sign': signTuf,
  'tuf.assemble': assembleTuf,
  'tuf.verify': verifyTuf,
  'tuf.publish': publishTuf,
  'artefact.write': writeArtefact,
};
