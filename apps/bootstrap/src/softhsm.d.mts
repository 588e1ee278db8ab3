export interface TokenSettings {
  readonly module: string;
  readonly uri: string;
  readonly pinSource: string;
  readonly environment: Record<string, string>;
}
export function ensureToken(token: {
  readonly directory: string;
  readonly label: string;
  readonly pin: string;
  readonly soPin: string;
}): Promise<{ settings: TokenSettings; made: boolean }>;
