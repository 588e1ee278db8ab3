import { DerReader, readSequence, TAG } from '#core/der';
import { toUtf8 } from '#core/octets';

const ORGANISATION = '2.5.4.10';
const COMMON_NAME = '2.5.4.3';

/**
 * Organisation and common name as the trusted root shows them; empty where a name has none. For people
 * only: verifiers match chains by bytes and keys.
 */
export function certificateName(nameDer: Uint8Array): { organization: string; commonName: string } {
  const found = new Map<string, string>();
  readSequence(nameDer, (name) => {
    while (!name.atEnd) {
      for (const member of name.setOf()) {
        const attribute = new DerReader(member.encoding).inside(TAG.SEQUENCE);
        found.set(attribute.oid(), toUtf8(attribute.element().content));
      }
    }
  });
  return { organization: found.get(ORGANISATION) ?? '', commonName: found.get(COMMON_NAME) ?? '' };
}
