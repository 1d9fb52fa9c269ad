import { type Dispatcher, ProxyAgent, request } from 'undici';
import type { Standin } from './standin.ts';

/** User-Agents as browsers send them. */
export const AGENTS = {
  chrome: (version: number) =>
    `Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${version}.0.0.0 Safari/537.36`,
  iphone:
    'Mozilla/5.0 (iPhone; CPU iPhone OS 16_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.0 Mobile/15E148 Safari/604.1',
  firefox: 'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0',
} as const;

export interface Probe {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
  text: string;
  /** Cookies that the answer sets. */
  cookies: Record<string, string>;
}

/** A plain HTTP client of a stand-in: asks as told and follows nothing. */
export class ProbeClient {
  #standin: Standin;
  #agents = new Map<string, ProxyAgent>();

  constructor(standin: Standin) {
    this.#standin = standin;
  }

  /** `egress`: a proxy port's index, or the user of the proxy's credentials. */
  async get(
    url: string,
    headers: Record<string, string> = {},
    options: {
      egress?: number | string;
      method?: Dispatcher.HttpMethod;
      body?: string;
      timeoutMs?: number;
    } = {},
  ): Promise<Probe> {
    const { egress = 0, method = 'GET', body, timeoutMs = 10_000 } = options;
    const response = await request(url, {
      dispatcher: this.#agentOf(egress),
      headers,
      method,
      signal: AbortSignal.timeout(timeoutMs),
      ...(body !== undefined && { body }),
    });
    const bytes = Buffer.from(await response.body.arrayBuffer());
    const set = [response.headers['set-cookie'] ?? []].flat();
    return {
      status: response.statusCode,
      headers: response.headers,
      body: bytes,
      text: bytes.toString(),
      cookies: Object.fromEntries(
        set.map((line) => [
          line.slice(0, line.indexOf('=')),
          line.slice(line.indexOf('=') + 1).split(';')[0] ?? '',
        ]),
      ),
    };
  }

  #agentOf(egress: number | string): ProxyAgent {
    const standin = this.#standin;
    const uri =
      typeof egress === 'string'
        ? standin.proxyUrlFor(egress)
        : (standin.proxies[egress]?.url ?? standin.proxyUrl);
    const agent = this.#agents.get(uri) ?? new ProxyAgent({ uri, requestTls: { ca: standin.caPem } });
    this.#agents.set(uri, agent);
    return agent;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#agents.values()].map((agent) => agent.close()));
  }
}

/** The JSON inside the script element of that id. */
export function scriptJson<T>(html: string, id: string): T {
  const text = new RegExp(`<script id="${id}"[^>]*>(.*?)</script>`, 's').exec(html)?.[1];
  if (text === undefined) throw new Error(`No script ${id}`);
  return JSON.parse(text) as T;
}
