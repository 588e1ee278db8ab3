/**
 * How a door declares what it takes and answers.
 *
 * A declaration stands beside its door and is data: zod schemas under names, and operations that refer to them
 * by name. It describes what the door does; it does not do it (on the hot doors the codec validates), so two
 * tests hold it to the door: one compares its paths with the controllers' routes, the other validates real
 * answers of a running appliance.
 */
import { z } from 'zod';

export type Method = 'get' | 'post' | 'put' | 'delete';

/** One body: `schema` names one of the door's schemas; without it the body is octets or text of that media type. */
export interface Content {
  readonly type: string;
  readonly schema?: string;
}

export interface Parameter {
  readonly name: string;
  readonly in: 'query' | 'path' | 'header';
  readonly about: string;
  /** Default: true for what is in the path, else false. */
  readonly required?: boolean;
  readonly type?: 'string' | 'integer';
}

export interface Answer {
  readonly about: string;
  readonly content?: readonly Content[];
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Operation {
  readonly method: Method;
  /** As in OpenAPI: `/api/v1/log/entries/{entryId}`. */
  readonly path: string;
  readonly about: string;
  readonly parameters?: readonly Parameter[];
  readonly request?: readonly Content[];
  readonly answers: Readonly<Record<number, Answer>>;
}

export interface DoorDeclaration {
  /** File name of the document. */
  readonly name: string;
  readonly title: string;
  readonly about: string;
  readonly schemas: Readonly<Record<string, z.ZodType>>;
  readonly operations: readonly Operation[];
}

export const JSON_TYPE = 'application/json';

/** A body of JSON whose shape is the schema `name`. */
export function json(name: string): readonly Content[] {
  return [{ type: JSON_TYPE, schema: name }];
}

export const Base64 = z.string().regex(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/);
export const Digits = z.string().regex(/^\d{1,20}$/);
export const Hash = z.string().regex(/^[0-9a-f]{64}$/);
export const Count = z.int().min(0);

/** grpc-gateway's error: `code` is a number of google.rpc.Code. */
export const GatewayError = z.strictObject({
  code: z.int().min(1).max(16),
  message: z.string(),
  details: z.array(z.unknown()),
});

/** go-openapi's error: `code` is the HTTP status. */
export const OpenApiError = z.strictObject({ code: z.int().min(400).max(599), message: z.string() });

/** RFC 9457 */
export const Problem = z.strictObject({
  type: z.string().startsWith('urn:airseal:fault:'),
  title: z.string(),
  status: z.int().min(400).max(599),
  detail: z.string(),
  instance: z.string().optional(),
  facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
});

/** What every door says under pressure, in its own shape. */
export function busy(error: string): Readonly<Record<number, Answer>> {
  const headers = { 'retry-after': 'seconds after which a retry may succeed' };
  return {
    429: {
      about: 'too many requests from this address (where a limit is set)',
      content: json(error),
      headers,
    },
    503: { about: 'busy, or something it needs is away: retry', content: json(error), headers },
  };
}
