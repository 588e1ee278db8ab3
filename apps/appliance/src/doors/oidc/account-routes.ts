import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { Fault } from '#core/fault';
import type { Accounts, BuiltInIssuer, SetPasswordLink } from '#identity';

const NewAccount = z.strictObject({ email: z.string() });

const PATH = '/admin/v1/accounts';
type OfAccount = { Params: { email: string } };

/** Administration of people's local accounts, on the admin socket. A link is in the answer once and never again. */
export function accountRoutes(accounts: Accounts, issuer: BuiltInIssuer): (admin: FastifyInstance) => void {
  const shown = ({ accountId, email, token, expiresAt }: SetPasswordLink): object => ({
    accountId,
    email,
    setPasswordUrl: issuer.passwordLink(token),
    expiresAt,
  });
  return (admin) => {
    admin.post(PATH, async (request, reply) => {
      const body = NewAccount.safeParse(request.body);
      if (!body.success) throw new Fault('malformed', 'oidc/malformed', z.prettifyError(body.error));
      const link = await accounts.create(body.data.email);
      return reply.code(201).header('cache-control', 'no-store').send(shown(link));
    });
    admin.get(PATH, async () => ({ accounts: await accounts.list() }));
    admin.post<OfAccount>(`${PATH}/:email/reset`, async (request, reply) => {
      const link = await accounts.reset(request.params.email);
      return reply.header('cache-control', 'no-store').send(shown(link));
    });
    admin.post<OfAccount>(`${PATH}/:email/disable`, async (request, reply) => {
      await accounts.disable(request.params.email);
      return reply.code(204).send();
    });
    admin.post<OfAccount>(`${PATH}/:email/enable`, async (request, reply) => {
      await accounts.enable(request.params.email);
      return reply.code(204).send();
    });
    admin.delete<OfAccount>(`${PATH}/:email`, async (request, reply) => {
      await accounts.remove(request.params.email);
      return reply.code(204).send();
    });
  };
}
