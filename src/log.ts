import { type Logger, pino } from 'pino';

/** One line for each event; of a request, method, path and status come first. */
const PRETTY_OPTIONS = {
  translateTime: 'HH:MM:ss',
  singleLine: true,
  messageFormat: '{msg}{if method} {method} {path} {status} in {ms} ms{end}',
  ignore: 'method,path,status,ms',
};

/** Readable lines on a terminal, JSON elsewhere. */
export function createLog(level: string): Logger {
  const options = { level, base: null };
  if (!process.stdout.isTTY) return pino(options);
  return pino({ ...options, transport: { target: 'pino-pretty', options: PRETTY_OPTIONS } });
}
