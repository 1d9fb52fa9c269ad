// @ts-check
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * @typedef {Awaited<ReturnType<typeof import('./modules.mjs').loadModules>>} Modules
 * @typedef {import('../../../src/extraction/protocol.ts').Job} Job
 * @typedef {import('../../../src/extraction/protocol.ts').Reply} Reply
 * @typedef {import('../../../src/posts/post.ts').PostRef} PostRef
 * @typedef {Omit<Job, 'id' | 'timeout' | 'proxy'>} Question
 *
 * @typedef {object} Row one request to one source
 * @property {PostRef} ref
 * @property {string} egress
 * @property {string} source
 * @property {string} target the browser; empty for none
 * @property {import('../../../src/extraction/protocol.ts').ResponseFacts | null} answer
 * @property {import('../../../src/extraction/protocol.ts').RawResponse | null} raw
 * @property {string} kind of Meaning
 * @property {string} says code and reason
 * @property {import('../../../src/posts/post.ts').Post | null} post
 *
 * @typedef {object} AskerOptions
 * @property {string} socketPath of the yt-dlp host
 * @property {import('../../../src/egress/index.ts').Egress} egress
 * @property {string} name of the egress, without its address
 * @property {import('../../../src/extraction/source-planner.ts').SourcePlanner} planner
 * @property {number} timeoutMs
 * @property {number} paceMs between two tries
 * @property {boolean} raw whether replies carry the whole response
 */

/** Asks TikTok's and Douyin's sources through one egress, one after the other. */
export class Asker {
  #connection = /** @type {import('../../../src/extraction/connection.ts').Connection | null} */ (null);
  #ttwid = /** @type {Promise<string | null> | null} */ (null);
  #nextAt = 0;

  /**
   * @param {Modules} modules
   * @param {AskerOptions} options
   */
  constructor(modules, options) {
    this.modules = modules;
    this.options = options;
    /** Values that no saved file may have. @type {Set<string>} */
    this.secrets = new Set();
  }

  /** Waits until the next request may be sent. */
  async pace() {
    const wait = this.#nextAt - Date.now();
    this.#nextAt = Math.max(Date.now(), this.#nextAt) + this.options.paceMs;
    if (wait > 0) await sleep(wait);
  }

  close() {
    this.#connection?.close();
  }

  /** @param {Extract<import('../../../src/posts/url.ts').PostLink, { kind: 'short' }>} link */
  resolve(link) {
    return this.modules.resolveShortLink(link, async (question) => {
      await this.pace();
      return this.#send(question, this.options.timeoutMs);
    });
  }

  /**
   * Asks every source, the page as every browser.
   * @param {PostRef} ref
   * @returns {Promise<Row[]>}
   */
  async ask(ref) {
    const plan = this.options.planner.plan(this.options.egress.id, ref.platform);
    const ttwid = ref.platform === 'douyin' ? await this.#registerTtwid() : null;
    const rows = [];
    for (const source of plan.sources) {
      const targets = source === 'page' ? plan.targets : plan.targets.slice(0, 1);
      for (const target of targets.length > 0 ? targets : [null]) {
        const one = { ...plan, sources: [source], targets: target === null ? [] : [target] };
        rows.push(await this.#askOne(ref, { ...one, ttwid, ttwidIsFresh: true }));
      }
    }
    if (ref.platform === 'tiktok') rows.push(await this.#askOembed(ref, plan.targets[0] ?? null));
    return rows;
  }

  /**
   * @param {PostRef} ref
   * @param {import('../../../src/extraction/sources/chain.ts').Plan} plan of one source and one browser
   * @returns {Promise<Row>}
   */
  async #askOne(ref, plan) {
    const { SourceChain, Pacer, pacerSlots } = this.modules;
    const { egress, timeoutMs } = this.options;
    const [source = ''] = plan.sources;
    const isPhone = source === 'mobile' && plan.mobileTarget !== null;
    const target = (isPhone ? plan.mobileTarget : plan.targets[0]) ?? '';
    await this.pace();
    let reply = /** @type {Reply | null} */ (null);
    const chain = new SourceChain({
      ref,
      // Keeps the chain from asking oEmbed as a witness: it has a row of its own.
      isPhoto: true,
      egress: egress.id,
      plan: { ...plan, slot: 0 },
      pacer: new Pacer(Pacer.memory(pacerSlots(1))),
      deadline: performance.now() + timeoutMs,
      timeoutMs,
      send: async (question, limitMs) => {
        const got = await this.#send(question, limitMs);
        reply ??= got;
        return got;
      },
    });
    const result = await chain.run();
    const attempt = chain.attempts[0];
    const post = result.ok ? result.post : null;
    const code = 'code' in result ? result.code : '';
    const reason = attempt?.reason ?? 'not asked: no ttwid';
    return this.#row({ ref, source, target, kind: attempt?.outcome ?? 'failed', code, reason, post }, reply);
  }

  /**
   * @param {PostRef} ref
   * @param {string | null} target
   * @returns {Promise<Row>}
   */
  async #askOembed(ref, target) {
    await this.pace();
    const url = `https://www.tiktok.com/@${ref.user || '_'}/video/${ref.id}`;
    const question = { op: 'oembed', platform: ref.platform, post: ref.id, url, ...(target && { target }) };
    const reply = await this.#send(/** @type {Question} */ (question), this.options.timeoutMs);
    const answer = reply.ok ? reply.answer : null;
    const known = reply.ok && answer ? this.modules.readOembed({ data: reply.data, answer }, ref.id) : null;
    const kind = known === null ? 'no statement' : known ? 'exists' : 'unknown';
    return this.#row(
      { ref, source: 'oembed', target: target ?? '', kind, code: '', reason: '', post: null },
      reply,
    );
  }

  /** Once for each egress; null where Douyin gives none. */
  #registerTtwid() {
    this.#ttwid ??= (async () => {
      await this.pace();
      const question = { op: 'ttwid', platform: 'douyin', post: '', url: '' };
      const reply = await this.#send(/** @type {Question} */ (question), this.options.timeoutMs);
      const data = /** @type {{ ttwid: string } | null} */ (reply.ok ? reply.data : null);
      if (data) this.secrets.add(data.ttwid);
      return data?.ttwid ?? null;
    })();
    return this.#ttwid;
  }

  /**
   * @param {Pick<Row, 'ref' | 'source' | 'target' | 'kind' | 'post'> & { code: string, reason: string }} seen
   * @param {Reply | null} reply
   * @returns {Row}
   */
  #row({ code, reason, ...seen }, reply) {
    const { answer, raw } = reply?.ok ? reply : { answer: null, raw: null };
    for (const value of raw?.cookies ?? []) this.secrets.add(value);
    const isSaidByCode = ['verdict', 'withheld', 'failed'].includes(seen.kind);
    const says = [isSaidByCode ? code : '', reason && `(${reason})`].filter(Boolean).join(' ');
    return { ...seen, egress: this.options.name, answer, raw: raw ?? null, says };
  }

  /**
   * @param {Question} question
   * @param {number} limitMs
   * @returns {Promise<Reply>}
   */
  async #send(question, limitMs) {
    const { egress, raw, socketPath } = this.options;
    try {
      if (!this.#connection || this.#connection.closed) {
        this.#connection = await this.modules.Connection.open(socketPath);
      }
      const proxy = egress.proxy?.reveal() ?? null;
      return await this.#connection.request({ ...question, proxy, timeout: limitMs / 1000, raw });
    } catch (error) {
      return { id: 0, ok: false, error: { kind: 'connection', message: String(error) } };
    }
  }
}
