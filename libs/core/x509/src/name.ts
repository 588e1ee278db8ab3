/** Distinguished names (RFC 5280 §4.1.2.4), compared by their bytes and never by their meaning. */
import { DerReader, objectIdentifier, printableString, sequence, setOf, utf8String } from '#core/der';
import { Fault } from '#core/fault';
import { toHex, toUtf8 } from '#core/octets';

const ATTRIBUTES: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '2.5.4.5': 'serialNumber',
  '1.2.840.113549.1.9.1': 'emailAddress',
};

/** What a CA of ours is called. */
export interface DistinguishedName {
  /** Two upper-case letters. */
  readonly country?: string;
  readonly organisation: string;
  readonly commonName: string;
}

/** The DER Name: country, organisation, common name, each a relative name of its own. */
export function formatName(name: DistinguishedName): Uint8Array {
  const attribute = (oid: string, value: Uint8Array): Uint8Array =>
    setOf(sequence(objectIdentifier(oid), value));
  return sequence(
    ...(name.country === undefined ? [] : [attribute('2.5.4.6', printableString(name.country))]),
    attribute('2.5.4.10', utf8String(name.organisation)),
    attribute('2.5.4.3', utf8String(name.commonName)),
  );
}

export interface NameAttribute {
  readonly oid: string;
  /** Tag of the value: which string type it is. */
  readonly tag: number;
  readonly value: Uint8Array;
}

/** The relative names of a DER Name, each with its attributes. @throws {Fault} der/… */
export function parseName(der: Uint8Array): NameAttribute[][] {
  const outer = new DerReader(der);
  const relativeNames = outer.sequence();
  outer.finish();
  const names: NameAttribute[][] = [];
  while (!relativeNames.atEnd) {
    names.push(
      relativeNames.setOf().map((member) => {
        const reader = new DerReader(member.encoding).sequence();
        const oid = reader.oid();
        const { tag, content } = reader.element();
        reader.finish();
        return { oid, tag, value: content };
      }),
    );
  }
  return names;
}

/** For people and logs: `CN=…, O=…`, most specific first; not for comparisons. */
export function nameText(der: Uint8Array): string {
  const text = (attribute: NameAttribute): string => {
    try {
      return `${ATTRIBUTES[attribute.oid] ?? attribute.oid}=${toUtf8(attribute.value)}`;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      return `${ATTRIBUTES[attribute.oid] ?? attribute.oid}=#${toHex(attribute.value)}`;
    }
  };
  return parseName(der)
    .toReversed()
    .map((relativeName) => relativeName.map(text).join('+'))
    .join(', ');
}
