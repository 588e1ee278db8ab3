/** RFC 3339 in UTC with whole seconds, rounded down: the only spelling of a time in trust files. */
export function instantText(ms: number): string {
  return new Date(Math.floor(ms / 1000) * 1000).toISOString().replace('.000Z', 'Z');
}

export function instantMs(text: string): number {
  return Date.parse(text);
}
