/** The appliance's administrative socket: reached through file permissions, never through the network. */
import { request } from 'node:http';
import { Fault } from '#core/fault';

/**
 * Sends one request over the socket and returns the JSON answer.
 *
 * @throws {Fault} cli/appliance-down, cli/admin-refused with the appliance's own message
 */
export function askAppliance(
  socketPath: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { socketPath, method, path, headers: body === undefined ? {} : { 'content-type': 'application/json' } },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () => {
          let parsed: Record<string, unknown> = {};
          try {
            parsed = JSON.parse(Buffer.concat(chunks).toString('utf8') || '{}') as Record<string, unknown>;
          } catch {
            // An answer without JSON is judged by its status alone.
          }
          if ((answer.statusCode ?? 500) < 300) return resolve(parsed);
          const why =
            typeof parsed['detail'] === 'string' ? parsed['detail'] : `status ${answer.statusCode ?? 0}`;
          return reject(new Fault('refused', 'cli/admin-refused', `the appliance said no: ${why}`));
        });
      },
    );
    outgoing.on('error', (cause) => {
      reject(
        new Fault(
          'unavailable',
          'cli/appliance-down',
          `no appliance answers at ${socketPath}; start it with \`npm run up\``,
          {
            cause,
          },
        ),
      );
    });
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
