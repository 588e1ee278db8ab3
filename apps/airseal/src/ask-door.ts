/** A door of the appliance that is ours to shape: JSON in, JSON or octets out, refusals as problem details. */
import { z } from 'zod';
import { Fault, HTTP_STATUS, type FaultKind } from '#core/fault';
import { caFilePath } from './places.js';
import { readAnswer } from './read-answer.js';
import type { Flags } from './verb.js';
import { trustAuthorities } from './tls-authorities.js';

const Problem = z.object({
  type: z.string().regex(/^urn:airseal:fault:[a-z0-9-]+\/[a-z0-9-]+$/),
  detail: z.string(),
});

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
  let octets: Uint8Array;
  try {
    answer = await fetch(
      url,
      body === undefined
        ? {}
        : { method: 'PUT', headers: { 'content-type': body.type }, body: new Uint8Array(body.octets) },
    );
    octets = new Uint8Array(await answer.arrayBuffer());
  } catch (cause) {
    throw new Fault(
      'unavailable',
      'cli/appliance-unreachable',
      `cannot reach ${url}; is the appliance up, and its TLS authority known (--ca-file)?`,
      { cause },
    );
  }
  if (answer.ok) return { status: answer.status, octets };
  throw refusalOf(answer.status, octets, url);
}

function refusalOf(status: number, octets: Uint8Array, url: string): Fault {
  let problem: z.infer<typeof Problem>;
  try {
    problem = readAnswer(Problem, url, octets);
  } catch {
    // Whatever stands in front of the appliance has answered: the status is all there is.
    return new Fault(kindOf(status), 'cli/refused', `${url} answered ${status}`);
  }
  return new Fault(kindOf(status), problem.type.replace('urn:airseal:fault:', ''), problem.detail);
}
