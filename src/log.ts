import { type Logger, pino } from 'pino';

/** Lines for a person where a person looks on, JSON for machines otherwise. */
export function createLog(level: string): Logger {
  const options = { level, base: null };
  if (!process.stdout.isTTY) return pino(options);
  return pino({ ...options, transport: { target: 'pino-pretty', options: { translateTime: 'HH:MM:ss' } } });
}
