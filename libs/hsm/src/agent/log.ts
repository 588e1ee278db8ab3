/** One JSON object per line on standard error, which the starter points at a file beside the socket. */
export type Log = (message: string, facts?: Readonly<Record<string, unknown>>) => void;

export const logLine: Log = (message, facts = {}) => {
  process.stderr.write(
    `${JSON.stringify({ time: new Date().toISOString(), pid: process.pid, message, ...facts })}\n`,
  );
};
