/** The host's fast traverse_obj beside yt-dlp's own, and what of a page is read without yt-dlp; in the real Python. */
import { expect, it } from 'vitest';
import { hostPython, solvesChallenge } from '../helpers/engine.ts';

/** Runs the rehearsal as the host does before its first fork. */
const INSTALL = `
import ytdlp, extractors, traversal
from yt_dlp.extractor import tiktok
downloader = ytdlp.create(None, lambda: 5.0)
rehearse = lambda: extractors.prove(downloader)
`;

it.skipIf(!solvesChallenge)('takes the original’s place, and needs it for nothing that a post asks', () => {
  const said = hostPython(`${INSTALL}
traversal.install(rehearse(), rehearse)
installed = tiktok.traverse_obj is traversal.traverse_obj
asked = []
original = traversal.original
traversal.original = lambda obj, *paths, **options: asked.append(repr(paths)) or original(obj, *paths, **options)
rehearse()
say({'installed': installed, 'asked': asked})
`);
  expect(said).toEqual({ installed: true, asked: [] });
});

it.each([
  ['a sample comes out otherwise', 'traversal.called = lambda *_: "something else"; rehearse = dict'],
  ['a post comes out otherwise', 'posts = iter([{"id": 1}, {"id": 2}]); rehearse = lambda: next(posts)'],
  ['a post fails', 'posts = iter([{}]); rehearse = lambda: next(posts)'],
])('leaves yt-dlp’s own where %s', (_, change) => {
  const said = hostPython(`${INSTALL}
${change}
traversal.install(rehearse(), rehearse)
say(tiktok.traverse_obj is traversal.original)
`);
  expect(said).toBe(true);
});

it.skipIf(!solvesChallenge)('does the same as yt-dlp’s over random JSON and random paths', () => {
  const said = hostPython(`${INSTALL}
import random
from yt_dlp.utils import int_or_none, str_or_none, url_or_none
draw = random.Random(20261126)
KEYS = ['a', 'b', 'c', 'Url', 'width']
FUNCTIONS = [int_or_none, str_or_none, url_or_none, lambda v: v[0], lambda v: v + 1, lambda v: v or None, len, list]
TESTS = [lambda _, v: v['a'], lambda k, v: k == 'b', lambda k, _: k, lambda _, v: v > 1, lambda _, v: v[0]['b']]
TYPES = [str, int, dict, list, bool, float]

def value(depth):
    kind = draw.randrange(9 if depth else 6)
    if kind < 6:
        return [None, draw.randrange(3), draw.choice(['', 'x', '12', 'https://a.example/']), True, 1.5, {}][kind]
    if kind < 8:
        return {key: value(depth - 1) for key in draw.sample(KEYS, draw.randrange(5))}
    return [value(depth - 1) for _ in range(draw.randrange(4))]

def key(depth):
    kind = draw.randrange(16 if depth else 12)
    if kind < 5: return draw.choice(KEYS)
    if kind == 5: return draw.choice([0, 1, -1, 7])
    if kind == 6: return ...
    if kind == 7: return draw.choice(TESTS)
    if kind == 8: return {draw.choice(TYPES)} if draw.random() < .9 else {str, int}
    if kind == 9: return {draw.choice(FUNCTIONS)}
    if kind == 10: return draw.choice([any, all, filter])
    if kind == 11: return draw.choice([None, slice(0, 2), b'a', True]) if draw.random() < .5 else None
    if kind < 14: return tuple(path(depth - 1) for _ in range(draw.randrange(1, 4)))
    return {name: path(depth - 1) for name in draw.sample(KEYS, draw.randrange(1, 4))}

def path(depth):
    return key(depth) if draw.random() < .2 else tuple(key(depth) for _ in range(draw.randrange(5)))

def outcome(function, *args, **options):
    try:
        return repr(function(*args, **options))
    except Exception as error:
        return f'{type(error).__name__}: {error}'

fell_back = 0
real = traversal.original
def counted(*args, **options):
    global fell_back
    fell_back += 1
    return real(*args, **options)
traversal.original = counted
different, outcomes, cases = [], set(), 40000
for _ in range(cases):
    obj, paths = value(4), [path(2) for _ in range(draw.choice([1, 1, 1, 2, 3]))]
    options = draw.choice([{}, {}, {'default': None}, {'default': 'd'}, {'default': []}, {'get_all': False},
                           {'expected_type': str}, {'expected_type': int_or_none}, {'expected_type': dict, 'get_all': False},
                           {'casesense': False}])
    expected = outcome(real, obj, *paths, **options)
    outcomes.add(expected)
    if outcome(traversal.traverse_obj, obj, *paths, **options) != expected:
        different.append([repr(obj), repr(paths), repr(options), expected])
say({'different': different[:3], 'fast': 1 - fell_back / cases, 'kinds': len(outcomes)})
`) as { different: unknown[]; fast: number; kinds: number };
  expect(said.different).toEqual([]);
  expect(said.fast).toBeGreaterThan(0.3);
  expect(said.kinds).toBeGreaterThan(500);
});

it('reads a page’s post alone, and leaves every other page to yt-dlp', () => {
  const said = hostPython(`${INSTALL}
import io
from yt_dlp.networking import Response
from yt_dlp.utils import ExtractorError
item = {'id': '70', 'desc': 'caf\\u00e9 \\u2028 </title>', 'author': {'uniqueId': 'u'}, 'video': {'playAddr': 'https://v16.tiktok.com/a', 'width': 1, 'height': 1}}
compact = lambda data: json.dumps(data, ensure_ascii=False, separators=(',', ':'))
scope = lambda **detail: json.dumps({'__DEFAULT_SCOPE__': {'a': {'b': '"c":'}, 'webapp.video-detail': detail, 'z': {}}}, separators=(',', ':'))
page = lambda data, **how: (f'<html><head><meta charset="{how.get("charset", "utf-8")}"></head><script id="__UNIVERSAL_DATA_FOR_REHYDRATION__" type="application/json">'
                     + data.replace('</', '<\\\\u002F') + '</script><p>after</p>').encode(how.get('charset', 'utf-8'))
good = scope(itemInfo={'itemStruct': item}, statusCode=0)
PAGES = {
    'whole': page(good),
    'as it is written': page(compact(json.loads(good))),
    'with a line end in a text': page(good.replace('caf', 'caf\\n')),
    'another charset': page(compact(json.loads(good)).replace('\\u2028', ''), charset='iso-8859-1'),
    'a status': page(scope(statusCode=10204, statusMsg='x')),
    'cut': page(good)[:-60],
    'not JSON': page(good.replace('itemInfo', 'item"Info')),
    'no data': b'<html>"webapp.video-detail":{"itemInfo":{}}</html>',
    'a challenge': b'<p id="cs" class="x">Please wait...</p>',
    'empty': b'',
}
def run(kind, content):
    class Post(kind):
        def _request_webpage(self, *args, **kwargs):
            return Response(io.BytesIO(content), 'https://www.tiktok.com/@u/video/70', {})
        def _search_json(self, *args, **kwargs):
            calls.append(1)
            return super()._search_json(*args, **kwargs)
        def _solve_challenge_and_set_cookies(self, webpage):
            raise ExtractorError('challenge: ' + webpage)
    calls = []
    post = Post(downloader)
    post.seen = extractors.Seen()
    try:
        info = post.extract('https://www.tiktok.com/@u/video/70')
        made = extractors.trim(info)
    except ExtractorError as error:
        made = error.orig_msg
    return made, post.seen.item() if kind is not tiktok.TikTokIE else None, calls == []
result = {}
for name, content in PAGES.items():
    plain, _, _ = run(tiktok.TikTokIE, content)
    made, seen, alone = run(extractors.TikTokPost, content)
    result[name] = [repr(plain) == repr(made), alone, seen.get('id')]
say(result)
`);
  expect(said).toEqual({
    whole: [true, true, '70'],
    'as it is written': [true, true, '70'],
    'with a line end in a text': [true, true, '70'],
    'another charset': [true, false, '70'],
    'a status': [true, false, null],
    cut: [true, false, null],
    'not JSON': [true, false, null],
    'no data': [true, false, null],
    'a challenge': [true, false, null],
    empty: [true, false, null],
  });
});
