/** Faulty releases of yt-dlp. Each patch is Python appended to one of its files, or prepended (`^`). */
export interface Release {
  name: string;
  patches: Record<string, string>;
  /** The reason for which an update rejects it; null for a good one. */
  refusal: RegExp | null;
}

/** Runs `before` ahead of every extraction of a TikTok post. */
const aroundExtraction = (before: string) => `
import os as _os
_real = TikTokIE._real_extract
_kept = []
def _patched(self, url):
    _kept.append(None)
${before.replace(/^/gm, '    ')}
    return _real(self, url)
TikTokIE._real_extract = _patched
`;

const TIKTOK = 'extractor/tiktok.py';

export const UNREADABLE_PAGES: Release = {
  name: 'reads the rehearsal page, but no real one',
  patches: {
    [TIKTOK]: aroundExtraction("if '7000000000000000000' not in url: raise ExtractorError('bad release')"),
  },
  refusal: /canary's post ended with extractor_outdated/,
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
    patches: { [TIKTOK]: aroundExtraction('if len(_kept) > 50: __import__("time").sleep(3600)') },
    refusal: /rehearsal \d+ of \d+ failed: /,
  },
  {
    name: 'tells something else than the page says',
    patches: {
      [TIKTOK]: `
_real = TikTokIE._real_extract
TikTokIE._real_extract = lambda self, url: {**_real(self, url), 'description': 'buy now'}
`,
    },
    refusal: /something else than what the rehearsal page says/,
  },
  {
    name: 'makes links to somewhere else after a while',
    patches: {
      [TIKTOK]: `
_real = TikTokIE._real_extract
_n = [0]
def _patched(self, url):
    info = _real(self, url)
    _n[0] += 1
    if _n[0] > 50:
        for one in info['formats']: one['url'] = 'https://example.com/'
    return info
TikTokIE._real_extract = _patched
`,
    },
    refusal: /rehearsal \d+ of \d+ failed: .*links that the rehearsal page does not have/,
  },
  {
    name: 'crashes after 100 jobs',
    patches: { [TIKTOK]: aroundExtraction('if len(_kept) > 100: _os._exit(1)') },
    // Of the hundred the host did two before it forked.
    refusal: /rehearsal \d+ of \d+ failed: the child is gone/,
  },
  {
    name: 'eats memory',
    patches: { [TIKTOK]: aroundExtraction("_kept.append(b'x' * 200_000)") },
    refusal: /grew by \d+ MB/,
  },
  {
    name: 'no longer looks like a browser',
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
