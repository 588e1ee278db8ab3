import { toUtf8 } from '#core/octets';
import { parseName } from '#core/x509';

const ORGANISATION = '2.5.4.10';
const COMMON_NAME = '2.5.4.3';

/**
 * Organisation and common name as the trusted root shows them; empty where a name has none. For people
 * only: verifiers match chains by bytes and keys.
 */
export function certificateName(nameDer: Uint8Array): { organization: string; commonName: string } {
  const attributes = parseName(nameDer).flat();
  const text = (oid: string): string => {
    const found = attributes.find((attribute) => attribute.oid === oid);
    return found === undefined ? '' : toUtf8(found.value);
  };
  return { organization: text(ORGANISATION), commonName: text(COMMON_NAME) };
}
