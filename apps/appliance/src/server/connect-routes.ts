import type { ConnectRouter } from '@connectrpc/connect';

/**
 * gRPC services that share the public port.
 *
 * A door adds its routes in the constructor of its module; the server registers all of them once, before it
 * listens. Connect handlers are not Nest handlers: guards, pipes and filters do not apply to them, so a
 * door maps its faults there itself.
 */
export class ConnectRoutes {
  readonly #all: ((router: ConnectRouter) => void)[] = [];

  add(routes: (router: ConnectRouter) => void): void {
    this.#all.push(routes);
  }

  register(router: ConnectRouter): void {
    for (const routes of this.#all) routes(router);
  }
}
