import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { Fault } from '#core/fault';
import type { BuiltInIssuer, MachineIdentities } from '#identity';

const NewMachine = z.strictObject({
  name: z.string(),
  email: z.string(),
  publicKeyJwk: z.record(z.string(), z.unknown()).optional(),
});

const PATH = '/admin/v1/machine-identities';

/** Administration of machine identities, on the admin socket. A secret is in the answer once and never again. */
export function machineIdentityRoutes(
  machines: MachineIdentities,
  issuer: BuiltInIssuer,
): (admin: FastifyInstance) => void {
  return (admin) => {
    admin.post(PATH, async (request, reply) => {
      const body = NewMachine.safeParse(request.body);
      if (!body.success) throw new Fault('malformed', 'oidc/malformed', z.prettifyError(body.error));
      const { publicKeyJwk, ...rest } = body.data;
      const machine = await machines.register({
        ...rest,
        ...(publicKeyJwk === undefined ? {} : { publicKeyJwk }),
      });
      return reply
        .code(201)
        .header('cache-control', 'no-store')
        .send({ ...machine, issuer: issuer.url, tokenEndpoint: issuer.tokenEndpoint });
    });
    admin.get(PATH, async () => ({ machines: await machines.list() }));
    admin.delete<{ Params: { name: string } }>(`${PATH}/:name`, async (request, reply) => {
      await machines.revoke(request.params.name);
      return reply.code(204).send();
    });
  };
}
