export { Access, type Credentials } from './access.ts';
export { type ApiKey, ApiKeys } from './api-keys.ts';
export { BotCheck, type Counter } from './bot-check.ts';
export { hashKey, type KeyFile, parseKeyFile } from './key-file.ts';
