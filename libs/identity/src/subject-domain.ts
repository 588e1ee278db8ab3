/**
 * Which subjects an issuer may speak for: the last two labels of `subject-domain` must be those of the issuer's
 * own host, so that nobody who runs an issuer can hand out names of somebody else's domain.
 */
import { Fault } from '#core/fault';
import type { IssuerSettings } from './types/identity-type.js';
import { schemeAndHost } from './uri-text.js';

function wrong(issuer: IssuerSettings, why: string): Fault {
  return new Fault('malformed', 'identity/issuers-file', `${issuer.issuerUrl}: ${why}`);
}

function sameDomain(issuer: IssuerSettings, subjectHost: string, issuerHost: string): void {
  if (subjectHost === issuerHost) return;
  const subject = subjectHost.split('.');
  const own = issuerHost.split('.');
  const holds =
    subject.length >= 2 && own.length >= 2 && subject.slice(-2).join('.') === own.slice(-2).join('.');
  if (!holds) throw wrong(issuer, `subject-domain ${subjectHost} is not in the domain of the issuer`);
}

export function subjectDomainOfUri(issuer: IssuerSettings): void {
  const subject = schemeAndHost(issuer.subjectDomain);
  const own = schemeAndHost(issuer.issuerUrl);
  if (subject.scheme === '') throw wrong(issuer, 'a uri issuer needs subject-domain with a scheme');
  if (subject.scheme !== own.scheme)
    throw wrong(issuer, 'subject-domain and issuer-url must have one scheme');
  sameDomain(issuer, subject.host, own.host);
}

export function subjectDomainOfUsername(issuer: IssuerSettings): void {
  if (issuer.subjectDomain === '') throw wrong(issuer, 'a username issuer needs subject-domain');
  if (issuer.subjectDomain.includes(':'))
    throw wrong(issuer, 'subject-domain of a username issuer has no scheme');
  sameDomain(issuer, issuer.subjectDomain, schemeAndHost(issuer.issuerUrl).host);
}
