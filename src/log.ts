import { type Logger, pino } from 'pino';

/** One line for each thing, a request's with what matters most in front. */
const PRETTY_OPTIONS = {
  translateTime: 'HH:MM:ss',
  singleLine: true,
  messageFormat: '{msg}{if method} {method} {path} {status} in {ms} ms{end}',
  ignore: 'method,path,status,ms',
};

/** Lines for a person where a person looks on, JSON for machines otherwise. */
export function createLog(level: string): Logger {
  const options = { level, base: null };
  if (!process.stdout.isTTY) return pino(options);
  return pino({ ...options, transport: { target: 'pino-pretty', options: PRETTY_OPTIONS } });
}
