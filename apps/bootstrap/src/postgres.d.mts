export interface PostgresPlace {
  readonly directory: string;
  readonly runtime: string;
  readonly daemons: string;
  readonly logs: string;
  readonly disposable?: boolean;
}
export function createDatabase(place: PostgresPlace, database: string, template?: string): Promise<void>;
export function sql(place: PostgresPlace, database: string, sql: string): Promise<string>;
