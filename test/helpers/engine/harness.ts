/** A service whose engine a test changes while clients use it. */
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { type Body, type Service, startService } from '../service.ts';
import { type Standin, startStandin } from '../standin/index.ts';
import { makeProject, type Project } from './project.ts';

/** The parts of /health that these tests read. */
export interface EngineReport {
  status: string;
  reasons: string[];
  ytdlp: string;
  engine: {
    trial: { succeeded: number; strikes: number } | null;
    rejected: string[];
    newest_known: string | null;
    newest_seen: number | null;
  };
  canary: { failures_in_a_row: number } | null;
}

const CLIENTS = 6;

export class EngineHarness {
  standin!: Standin;
  project!: Project;
  service!: Service;
  /** Folder name of the engine that the project starts with. */
  first!: string;
  /** Whether every page of the stand-in has a shape that no released engine reads. */
  unreadable = false;
  #lastId = 7_420_000_000_000_000_000n;

  /** Registers the hooks: one stand-in for the file, one project for each test. */
  constructor() {
    beforeAll(async () => {
      this.standin = await startStandin();
      const get = this.standin.posts.get.bind(this.standin.posts);
      this.standin.posts.get = (id, platform) => {
        const post = get(id, platform);
        return post && this.unreadable ? { ...post, behaviour: 'blind' } : post;
      };
    });
    afterAll(() => this.standin.close());
    beforeEach(() => {
      this.project = makeProject();
      this.first = this.project.current();
      this.unreadable = false;
    });
    afterEach(async () => {
      await this.service.stop();
      this.project.remove();
    });
  }

  /** Version of the engine that the project starts with. */
  get firstVersion(): string | undefined {
    return this.first.split('-')[0];
  }

  async start(env: Record<string, string> = {}): Promise<void> {
    this.service = await startService(this.standin, { MAX_WORKERS: '4', ...env }, this.project.main);
  }

  async health(): Promise<EngineReport> {
    return (await fetch(`${this.service.baseUrl}/health`)).json() as Promise<EngineReport>;
  }

  /** Requests a post that nobody has requested before. */
  post(): Promise<{ status: number; body: Body }> {
    this.#lastId += 1n;
    return this.service.post(`https://www.tiktok.com/@load/video/${this.#lastId}`);
  }

  /** Requests posts until the returned function is called, which resolves to all statuses and error codes. */
  load(): () => Promise<(string | number)[]> {
    let running = true;
    const client = async () => {
      const statuses: (string | number)[] = [];
      while (running) {
        const { status, body } = await this.post();
        statuses.push((body.code as string | undefined) ?? status);
      }
      return statuses;
    };
    const all = Promise.all(Array.from({ length: CLIENTS }, client));
    return async () => {
      running = false;
      return (await all).flat();
    };
  }
}
