import type { Page, Route } from 'playwright-core';
import { expect } from 'vitest';
import { ERRORS, type ErrorCode } from '../../src/errors.ts';
import en, { type Messages } from '../../src/web/lang/en.ts';

/** The first button that each error offers. */
const FIRST_STEP: Record<ErrorCode, 'other' | 'again' | 'original' | 'now' | 'copy' | 'retry'> = {
  invalid_request: 'other',
  unsupported_url: 'other',
  link_invalid: 'again',
  link_expired: 'again',
  not_a_photo_post: 'again',
  post_not_found: 'other',
  post_private: 'original',
  login_required: 'original',
  unauthorized: 'retry',
  not_allowed: 'other',
  region_blocked: 'original',
  ip_blocked: 'now',
  extractor_outdated: 'copy',
  upstream_failed: 'retry',
  timeout: 'retry',
  busy: 'now',
  rate_limited: 'now',
  render_failed: 'retry',
  internal: 'retry',
};

export const CODES = Object.keys(FIRST_STEP) as ErrorCode[];
/** Errors that the page retries by itself. */
export const COUNTING: ErrorCode[] = ['ip_blocked', 'busy', 'rate_limited'];

/** Answers a route with the service's error body. */
export function refuse(route: Route, code: ErrorCode, retryAfter?: number): Promise<void> {
  const { status, message, retryable } = ERRORS[code];
  const body = { error: message, code, retryable, request_id: 'request-4711', retry_after: retryAfter };
  return route.fulfill({ status, json: body });
}

export async function expectProblem(page: Page, code: ErrorCode, words: Messages = en): Promise<void> {
  const problem = page.getByRole('alert');
  const [title, step] = words.errors[code].map((text) => text.replaceAll('{platform}', words.tiktok));
  await problem.getByRole('heading', { name: title ?? '' }).waitFor();
  expect(await problem.textContent()).toContain(step ?? '');
  expect(await problem.locator('.primary').textContent()).toBe(words[FIRST_STEP[code]]);
  expect(await problem.locator('.details').textContent()).toMatch(new RegExp(`^${code} · `));
  expect(await problem.locator('.countdown').count()).toBe(COUNTING.includes(code) ? 1 : 0);
}
