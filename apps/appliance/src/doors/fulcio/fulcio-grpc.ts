/**
 * Fulcio over gRPC (sigstore-java), and the health service that load balancers ask, on the public port.
 *
 * These are not Nest handlers: no filter or pipe sees them, so faults are mapped and logged here.
 */
import { type Code, ConnectError, type ConnectRouter, type HandlerContext } from '@connectrpc/connect';
import { fromUtf8 } from '#core/octets';
import type { SigningRequest } from '#ca';
import { logError, type Logger } from '#platform';
import type { FulcioAnswers } from './fulcio-answers.js';
import { fulcioRefusal } from './fulcio-refusal.js';
import { bearerToken } from './fulcio-requests.js';
import { CA, type CreateSigningCertificateRequest } from './generated/fulcio_pb.js';
import { Health, HealthCheckResponse_ServingStatus } from './generated/health_pb.js';

const EMPTY = new Uint8Array();

function signingRequest(request: CreateSigningCertificateRequest, headers: Headers): SigningRequest {
  const inField = request.credentials?.credentials.value ?? '';
  const token =
    inField || (headers.get('oidcidentitytoken') ?? bearerToken(headers.get('authorization') ?? undefined));
  const { key } = request;
  if (key.case === 'certificateSigningRequest' && key.value.length > 0) {
    return { token, key: { kind: 'csr', content: key.value } };
  }
  const claim = key.case === 'publicKeyRequest' ? key.value : undefined;
  return {
    token,
    key: {
      kind: 'public-key',
      content: fromUtf8(claim?.publicKey?.content ?? ''),
      proof: claim?.proofOfPossession ?? EMPTY,
    },
  };
}

export function fulcioGrpc(answers: FulcioAnswers, logger: Logger): (router: ConnectRouter) => void {
  async function answered<T>(context: HandlerContext, call: () => Promise<T> | T): Promise<T> {
    try {
      return await answers.timed('grpc', 200, call);
    } catch (error) {
      logError(logger, error, { door: 'fulcio', method: context.method.name });
      const { code, message } = fulcioRefusal(error);
      throw new ConnectError(message, code as Code);
    }
  }

  return (router) => {
    router.service(CA, {
      createSigningCertificate: (request, context) =>
        answered(context, async () => {
          const certificates = await answers.sign(signingRequest(request, context.requestHeader));
          return {
            certificate: {
              case: 'signedCertificateEmbeddedSct' as const,
              value: { chain: { certificates: [...certificates] } },
            },
          };
        }),
      getTrustBundle: (_request, context) =>
        answered(context, () => ({
          chains: answers.trustBundle().map((certificates) => ({ certificates: [...certificates] })),
        })),
      getConfiguration: (_request, context) =>
        answered(context, () => ({
          issuers: answers.issuers().map(({ issuerUrl, wildcardIssuerUrl, ...rest }) => ({
            ...rest,
            issuer:
              wildcardIssuerUrl === undefined
                ? { case: 'issuerUrl' as const, value: issuerUrl ?? '' }
                : { case: 'wildcardIssuerUrl' as const, value: wildcardIssuerUrl },
          })),
        })),
    });
    router.service(Health, {
      check: () => ({ status: HealthCheckResponse_ServingStatus.SERVING }),
    });
  };
}
