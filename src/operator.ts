import type { Logger } from 'pino';
import { Access, ApiKeys, BotCheck, type Counter } from './access/index.ts';
import type { Closers } from './closers.ts';
import { type Config, ConfigError } from './config.ts';
import type { Limits } from './limits.ts';
import type { TokenSealer } from './links/index.ts';
import { BlockList, Rules } from './rules/index.ts';

export interface OperatorParts {
  config: Config;
  limits: Limits;
  log: Logger;
  closers: Closers;
  sealer: TokenSealer;
  /** Counts for all instances; of so many clients, where they are counted in memory. */
  newCounter: (maxClients: number) => Counter;
}

/**
 * What the operator decides: whom the service answers and what it offers, and the files that say so.
 * @throws ConfigError where a file cannot be used
 */
export function openOperator(parts: OperatorParts) {
  const { config, log, closers } = parts;
  const { blockListPath, ...ruled } = config.rules;
  const blockList =
    blockListPath === null
      ? null
      : usable('BLOCKLIST_PATH must be a readable block list', () => new BlockList(blockListPath, log));
  closers.add('block list', () => blockList?.file.close());
  const { keysPath, requireKey, botCheck } = config.access;
  const keys =
    keysPath === null
      ? null
      : usable('API_KEYS_PATH must be a readable file of API keys', () => new ApiKeys(keysPath, log));
  closers.add('API keys', () => keys?.file.close());
  return {
    rules: new Rules({ ...ruled, blockList }),
    access: new Access({ keys, requireKey, botCheck: botCheck ? openBotCheck(parts) : null }),
    watched: [blockList, keys].flatMap((one) => one?.file ?? []),
  };
}

function openBotCheck({ limits, sealer, newCounter }: OperatorParts): BotCheck {
  const { countedClients, usedChallenges } = limits.process;
  return new BotCheck({
    limits: limits.botCheck,
    sealer,
    asked: newCounter(countedClients),
    used: newCounter(usedChallenges),
  });
}

function usable<T>(expected: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    throw new ConfigError(`${expected}: ${(error as Error).message}`);
  }
}
