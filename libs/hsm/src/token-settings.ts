/** How to reach one token. Nothing here is a secret: the PIN stays where `pinSource` points. */
export interface TokenSettings {
  /** The vendor's PKCS#11 library. */
  readonly module: string;
  /** RFC 7512 URI of the token, by label: `pkcs11:token=airseal-online`. A slot number is refused. */
  readonly uri: string;
  /** A file that holds the PIN (one line), or `fd:N` for an open descriptor. Read by the agent only. */
  readonly pinSource: string;
  /** The vendor library's own variables; the agent gets these and nothing of our environment. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** Where the agent listens; by default `hsm-<name>.sock` in the runtime directory. */
  readonly agentSocket?: string | undefined;
}
