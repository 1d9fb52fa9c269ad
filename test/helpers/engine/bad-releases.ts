/** Faulty releases of yt-dlp. Each patch is Python appended to one of its files, or prepended (`^`). */
export interface Release {
  name: string;
  patches: Record<string, string>;
  /** The reason for which an update rejects it; null for a good one. */
  refusal: RegExp | null;
}

/** Runs `before` ahead of every page that a child fetches, the self-test's included, and `after` behind it. */
const aroundPages = (before: string, after = '') => `
import os as _os
_real = TikTokIE._extract_web_data_and_status
_kept = []
def _patched(self, url, *args, **kwargs):
    _kept.append(None)
${before.replace(/^/gm, '    ')}
    result = _real(self, url, *args, **kwargs)
${after.replace(/^/gm, '    ')}
    return result
TikTokIE._extract_web_data_and_status = _patched
`;

/** Gives all links of the item to another host once `condition` holds; `_n` counts the items. */
const otherLinks = (condition: string) => `
_parse = TikTokIE._parse_aweme_video_web
_n = []
def _patched_parse(self, *args, **kwargs):
    info = _parse(self, *args, **kwargs)
    _n.append(None)
    if ${condition}:
        for one in info['formats']: one['url'] = 'https://example.com/'
    return info
TikTokIE._parse_aweme_video_web = _patched_parse
`;

const TIKTOK = 'extractor/tiktok.py';

export const UNREADABLE_PAGES: Release = {
  name: 'reads the self-test page, but no real one',
  patches: {
    [TIKTOK]: aroundPages('', "if '7000000000000000000' not in url: self.detail = {'itemInfo': {}}"),
  },
  refusal: /canary's post .* extractor_outdated/,
};

export const BAD_RELEASES: readonly Release[] = [
  {
    name: 'cannot be imported',
    patches: { '^__init__.py': "raise ImportError('bad release')\n" },
    refusal: /ImportError: bad release/,
  },
  {
    name: 'makes the host speak another protocol',
    patches: {
      '__init__.py': `
import json as _json
_dumps = _json.dumps
_json.dumps = lambda it, **k: _dumps({**it, 'protocol': 99} if isinstance(it, dict) and 'protocol' in it else it, **k)
`,
    },
    refusal: /speaks protocol 99/,
  },
  {
    name: 'hangs at the start',
    patches: { [TIKTOK]: '\nimport time\ntime.sleep(3600)\n' },
    refusal: /does not start within \d+ seconds/,
  },
  {
    name: 'hangs after some jobs',
    patches: { [TIKTOK]: aroundPages('if len(_kept) > 50: __import__("time").sleep(3600)') },
    refusal: /self-test \d+ of \d+ failed: /,
  },
  {
    name: 'reads other links than the page has',
    patches: { [TIKTOK]: otherLinks('True') },
    refusal: /other links than the made-up page has/,
  },
  {
    name: 'reads other links after a while',
    patches: { [TIKTOK]: otherLinks('len(_n) > 50') },
    refusal: /self-test \d+ of \d+ failed: .*other links than the made-up page has/,
  },
  {
    name: 'crashes after 100 jobs',
    patches: { [TIKTOK]: aroundPages('if len(_kept) > 100: _os._exit(1)') },
    refusal: /self-test \d+ of \d+ failed: the child is gone/,
  },
  {
    name: 'eats memory',
    patches: { [TIKTOK]: aroundPages("_kept.append(b'x' * 200_000)") },
    refusal: /grew by \d+ MB/,
  },
  {
    name: 'has no browser impersonation',
    patches: { 'dependencies/__init__.py': '\ncurl_cffi = None\n' },
    refusal: /browser impersonation no longer works/,
  },
  UNREADABLE_PAGES,
];

/** Reads the page shape of the stand-in's blind posts. */
export const FIXED_RELEASE: Release = {
  name: 'reads the new shape of the page',
  patches: {
    [TIKTOK]: `
_universal = TikTokBaseIE._get_universal_data
def _fixed(self, webpage, video_id):
    data = _universal(self, webpage, video_id)
    if 'webapp.video-detail-next' in data: data['webapp.video-detail'] = data['webapp.video-detail-next']
    return data
TikTokBaseIE._get_universal_data = _fixed
`,
  },
  refusal: null,
};
