import { expect, test } from '@jest/globals';
import { fromHex, toHex } from '#core/octets';
import { softwareCa } from '../../../test/kit/software-pki.js';
import { readCertificateTwice, verifyChainTwice } from './certificate-second-reader.js';

const { der } = softwareCa('code-root', 'Example Code Root').certificate;

test('both readers take an ordinary certificate for the same one', async () => {
  await readCertificateTwice(der);
  await verifyChainTwice([der]);
});

test('what the second reader reads late and cannot read is a refusal, not a defect', async () => {
  // The value of keyUsage under the name of extendedKeyUsage: nobody looks at it before extensions are asked for.
  const spoilt = fromHex(toHex(der).replace('0603551d0f', '0603551d25'));
  await expect(readCertificateTwice(spoilt)).rejects.toMatchObject({ code: 'ceremony/second-reader' });
});
