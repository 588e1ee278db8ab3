/**
 * The part of JSONPath that `issuer-claim` uses: `$.federated_claims.connector_id`, also with brackets and
 * quotes. Filters, slices and wildcards would choose among values, and an issuer must never be a choice.
 */
import { Fault } from '#core/fault';
import { isJsonObject, type JsonObject, type JsonValue } from '#core/json';
import { missingClaim } from './claims.js';

const STEP = /\.([A-Za-z_][\w-]*)|\[(?:"([^"\\]+)"|'([^'\\]+)')\]/gy;

/** @throws {Fault} identity/issuer-claim if `path` is not such a path */
export function parseClaimPath(path: string): readonly string[] {
  const rest = path.startsWith('$') ? path.slice(1) : `.${path}`;
  const steps: string[] = [];
  STEP.lastIndex = 0;
  let at = 0;
  for (let match = STEP.exec(rest); match !== null; match = STEP.exec(rest)) {
    steps.push(match[1] ?? match[2] ?? match[3] ?? '');
    at = STEP.lastIndex;
  }
  if (steps.length === 0 || at !== rest.length) {
    throw new Fault(
      'malformed',
      'identity/issuer-claim',
      `issuer-claim "${path}": write a path such as $.a.b`,
    );
  }
  return steps;
}

/** @throws {Fault} identity/claim-missing unless the path leads to text */
export function textAtPath(claims: JsonObject, path: string): string {
  let value: JsonValue | undefined = claims;
  for (const step of parseClaimPath(path)) {
    value = isJsonObject(value) && Object.hasOwn(value, step) ? value[step] : undefined;
  }
  if (typeof value !== 'string' || value === '') throw missingClaim(path);
  return value;
}
