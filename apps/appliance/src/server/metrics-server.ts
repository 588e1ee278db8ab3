/** `/metrics` in plain HTTP on an address of its own, for a collector elsewhere; nothing else is served. */
import { createServer } from 'node:http';
import type { Listener, Metrics } from '#platform';
import { cannotListen } from './listeners.js';

export async function openMetricsServer(
  listener: Listener,
  metrics: Metrics,
): Promise<{ close(): Promise<void> }> {
  const server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    metrics.format().then(
      (text) => response.writeHead(200, { 'content-type': metrics.contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(cannotListen(listener, cause)));
    server.listen({ host: listener.address, port: listener.port }, resolve);
  });
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
