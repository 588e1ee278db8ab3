/**
 * What counts as an e-mail address, close to the rule that Fulcio's issuers are used to: an unquoted local
 * part of atext with single dots, a domain of at least two labels. Quoted local parts and non-ASCII are refused:
 * neither can stand in a certificate's rfc822Name (RFC 5280 §4.2.1.6, IA5String).
 */
const ATOM = "[A-Za-z0-9!#$%&'*+\\-/=?^_`{|}~]+";
const LABEL = '[A-Za-z0-9](?:[A-Za-z0-9\\-_~]*[A-Za-z0-9])?';
const TOP = '[A-Za-z](?:[A-Za-z0-9\\-_~]*[A-Za-z])?';
const EMAIL = new RegExp(`^${ATOM}(?:\\.${ATOM})*@(?:${LABEL}\\.)+${TOP}\\.?$`);

export function isEmailAddress(text: string): boolean {
  return text.length <= 320 && EMAIL.test(text);
}
