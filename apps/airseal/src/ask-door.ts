/** A door of the appliance that is ours to shape: JSON in, JSON or octets out, refusals as problem details. */
import { Fault, HTTP_STATUS, type FaultKind } from '#core/fault';
import { caFilePath } from './places.js';
import type { Flags } from './verb.js';
import { trustAuthorities } from './tls-authorities.js';

export interface DoorAnswer {
  readonly status: number;
  readonly octets: Uint8Array;
}

function kindOf(status: number): FaultKind {
  const known = (Object.entries(HTTP_STATUS) as [FaultKind, number][]).find(([, one]) => one === status);
  return known?.[0] ?? (status >= 500 || status === 429 ? 'unavailable' : 'refused');
}

/** @throws {Fault} cli/appliance-unreachable; what the appliance says, under its own code */
export async function askDoor(
  flags: Flags,
  url: string,
  body?: { readonly type: string; readonly octets: Uint8Array },
): Promise<DoorAnswer> {
  const caFile = caFilePath(flags);
  if (caFile !== undefined) trustAuthorities(caFile);
  let answer: Response;
  try {
    answer = await fetch(
      url,
      body === undefined
        ? {}
        : { method: 'PUT', headers: { 'content-type': body.type }, body: new Uint8Array(body.octets) },
    );
  } catch (cause) {
    throw new Fault(
      'unavailable',
      'cli/appliance-unreachable',
      `cannot reach ${url}; is the appliance up, and its TLS authority known (--ca-file)?`,
      { cause },
    );
  }
  const octets = new Uint8Array(await answer.arrayBuffer());
  if (answer.ok) return { status: answer.status, octets };
  throw refusalOf(answer.status, octets, url);
}

function refusalOf(status: number, octets: Uint8Array, url: string): Fault {
  let problem: { readonly type?: unknown; readonly detail?: unknown } = {};
  try {
    problem = JSON.parse(Buffer.from(octets).toString('utf8')) as typeof problem;
  } catch {
    // Whatever stands in front of the appliance has answered: the status is all there is.
  }
  const { type, detail } = problem;
  const code = typeof type === 'string' ? type.replace('urn:airseal:fault:', '') : 'cli/refused';
  const why = typeof detail === 'string' ? detail : `${url} answered ${status}`;
  return new Fault(kindOf(status), code, why);
}
