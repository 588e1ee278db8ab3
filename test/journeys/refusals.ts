/** How each protocol says no. Every check wants the whole shape, and an answer that explains itself. */
import { expect } from '@jest/globals';
import type { Answer } from './wire.js';

function expectStatus(name: string, answer: Answer, statuses: readonly number[]): void {
  // The name and the body in the comparison: a failure then says which case it was and what came back.
  expect({ name, status: answer.status, text: answer.text.slice(0, 200) }).toEqual({
    name,
    status: statuses.includes(answer.status) ? answer.status : statuses[0],
    text: answer.text.slice(0, 200),
  });
}

function jsonOf(name: string, answer: Answer, type = 'application/json'): Record<string, unknown> {
  expect([name, answer.headers['content-type']]).toEqual([name, type]);
  return JSON.parse(answer.text) as Record<string, unknown>;
}

/** grpc-gateway (Fulcio, Rekor v2): the number is gRPC's. */
export function expectGatewayError(
  name: string,
  answer: Answer,
  status: number | readonly number[],
  message?: string | RegExp,
): void {
  expectStatus(name, answer, [status].flat());
  const error = jsonOf(name, answer);
  expect([name, Object.keys(error).toSorted()]).toEqual([name, ['code', 'details', 'message']]);
  const codes: Record<number, number> = { 400: 3, 404: 5, 409: 6, 413: 8, 500: 13, 501: 12, 503: 14 };
  expect([name, error['code'], error['details']]).toEqual([name, codes[answer.status], []]);
  expectMessage(name, error['message'], message);
}

/** go-openapi (Rekor v1, timestamps): the number is HTTP's. */
export function expectOpenApiError(
  name: string,
  answer: Answer,
  status: number | readonly number[],
  message?: string | RegExp,
): void {
  expectStatus(name, answer, [status].flat());
  const error = jsonOf(name, answer);
  expect([name, Object.keys(error).toSorted()]).toEqual([name, ['code', 'message']]);
  expect([name, error['code']]).toEqual([name, answer.status]);
  expectMessage(name, error['message'], message);
}

/** RFC 6962: plain text. */
export function expectPlainError(name: string, answer: Answer, status: number | readonly number[]): void {
  expectStatus(name, answer, [status].flat());
  expect([name, answer.headers['content-type']]).toEqual([name, expect.stringMatching(/^text\/plain/)]);
  expectMessage(name, answer.text.trim());
}

/** RFC 9457: what is ours to shape. */
export function expectProblem(name: string, answer: Answer, status: number | readonly number[]): void {
  expectStatus(name, answer, [status].flat());
  const problem = jsonOf(name, answer, 'application/problem+json');
  expect([name, problem['status']]).toEqual([name, answer.status]);
}

function expectMessage(name: string, message: unknown, wanted: string | RegExp = /\S/): void {
  const known =
    typeof message === 'string' && (typeof wanted === 'string' ? message === wanted : wanted.test(message));
  expect([name, known ? wanted : message]).toEqual([name, wanted]);
  // Nothing of our insides.
  expect([name, message]).toEqual([
    name,
    expect.not.stringMatching(/\bat \/|node_modules|\.ts:|\.js:|pkcs11|select |insert /i),
  ]);
}
