"""yt-dlp, kept warm: a post's address in, yt-dlp's own description and the parts of the page it leaves out."""

import os
import re
import sys
import urllib.parse

import yt_dlp
from yt_dlp.cookies import YoutubeDLCookieJar
from yt_dlp.extractor.tiktok import TikTokVMIE
from yt_dlp.networking import HEADRequest, Request
from yt_dlp.networking.exceptions import HTTPError
from yt_dlp.utils import UnsupportedError
from yt_dlp.version import __version__ as ytdlp_version

import extractors
import failure
import transport
import traversal

PROTOCOL = 1

# Method Not Allowed, Not Implemented.
NO_HEAD = (405, 501)

COOKIE_NAME = re.compile(r'[?&]tk=(\w+)')


class Silent:
    """yt-dlp's logger: its messages are for a person at a terminal; failures reach us as exceptions."""

    def debug(self, message):
        pass

    info = warning = error = debug


class Downloader(yt_dlp.YoutubeDL):
    """Bounds every request by what is left of the job's time."""

    def __init__(self, params, remaining):
        super().__init__(params, auto_init=False)
        self.remaining = remaining

    def build_request_director(self, handlers, preferences=None):
        return super().build_request_director(transport.keep_alive(handlers), preferences)

    def urlopen(self, req):
        if isinstance(req, str):
            req = yt_dlp.networking.Request(req)
        req.extensions['timeout'] = self.remaining()
        return super().urlopen(req)


class Engine:
    """One warm yt-dlp for each egress; all share the cookies file."""

    def __init__(self, config, remaining):
        self.config = config
        self.remaining = remaining
        self.downloaders = {}
        self.cookies = CookieFile(config['cookiesPath'])
        self.seen = extractors.Seen()

    def do(self, job):
        self.seen = extractors.Seen()
        downloader = self.downloader(job['proxy'])
        self.cookies.fill(downloader.cookiejar)
        if job['op'] == 'rehearse':
            extractors.prove(downloader)
            return {'location': ''}
        if job['op'] == 'resolve':
            return {'location': resolve(downloader, job['url'])}
        name = 'douyin' if job['platform'] == 'douyin' else 'tiktok'
        extractor = downloader.posts[name]
        extractor.seen = self.seen
        info = extractor.extract(job['url'])
        return {
            'info': extractors.trim(info),
            'item': self.seen.item(),
            'cookies': media_cookies(downloader.cookiejar, info.get('formats') or ()),
        }

    def downloader(self, proxy):
        found = self.downloaders.get(proxy)
        if not found:
            found = self.downloaders[proxy] = create(proxy, self.remaining)
        return found


def create(proxy, remaining):
    downloader = Downloader({
        'quiet': True,
        'no_warnings': True,
        'logger': Silent(),
        'cachedir': False,
        'color': 'never',
        'proxy': proxy or '',  # an empty string also keeps yt-dlp from taking one out of the environment
    }, remaining)
    downloader.posts = {'tiktok': extractors.TikTokPost(downloader), 'douyin': extractors.DouyinPost(downloader)}
    return downloader


def resolve(downloader, url):
    """Where a short link leads to. TikTok's go through yt-dlp's own extractor, Douyin's have none."""
    try:
        if urllib.parse.urlsplit(url).hostname == 'v.douyin.com':
            return downloader.urlopen(HEADRequest(url)).url
        # Not by get_info_extractor(), which loads the list of all extractors: 6 MB for each child.
        return TikTokVMIE(downloader).extract(url)['url']
    except UnsupportedError as error:
        return error.url  # it leads to another short link, or nowhere
    except Exception as error:
        # The post's page may refuse a HEAD; the address it was asked at is all that is wanted here.
        refused = next((cause for cause in failure.chain(error) if isinstance(cause, HTTPError)), None)
        if refused and refused.response.url != url:
            return refused.response.url
        if refused and refused.status in NO_HEAD:
            # As yt-dlp asks: to a browser TikTok sends a page instead of the address.
            return downloader.urlopen(Request(url, headers={'User-Agent': 'facebookexternalhit/1.1'})).url
        raise


def media_cookies(jar, formats):
    """The cookies that media links ask for: their query names it (`tk=tt_chain_token`). Bare values, unquoted."""
    wanted = {'tt_chain_token'}
    for item in formats:
        wanted.update(COOKIE_NAME.findall(item['url']))
    return {cookie.name: cookie.value for cookie in jar if cookie.name in wanted}


class CookieFile:
    """The operator's cookies, read again when the file changes. Each job starts with these and nothing else, so
    that one page's cookies never leak into the next page's links."""

    def __init__(self, path):
        self.path = path
        self.stamp = None
        self.cookies = []

    def fill(self, jar):
        self.refresh()
        jar.clear()
        for cookie in self.cookies:
            jar.set_cookie(cookie)

    def refresh(self):
        try:
            status = os.stat(self.path)
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
        except OSError:
            stamp = None
        if stamp == self.stamp:
            return
        self.stamp = stamp
        self.cookies = []
        if stamp:
            try:
                jar = YoutubeDLCookieJar(self.path)
                jar.load()
                self.cookies = list(jar)
            except Exception as error:
                print(f'the cookies file cannot be read: {type(error).__name__}: {error}', file=sys.stderr, flush=True)


def prove():
    """Runs the whole extraction over a page made up for it: warms every code path before the fork, and proves
    that our subclasses fit the yt-dlp that is installed. Returns what the host says of itself."""
    downloader = create(None, lambda: 20.0)
    description = extractors.prove(downloader)
    traversal.install(description, lambda: extractors.prove(downloader))
    return {
        'protocol': PROTOCOL,
        'ytdlp': ytdlp_version,
        'python': '.'.join(map(str, sys.version_info[:3])),
        **impersonation(downloader),
    }


def rehearse():
    """What a job does, without asking anybody."""
    downloader = create(None, lambda: 20.0)
    extractors.prove(downloader)
    transport.knock(downloader)


def impersonation(downloader):
    """curl_cffi's version, and whether yt-dlp can use it to look like a browser."""
    try:
        import curl_cffi
        version = curl_cffi.__version__
    except ImportError:
        version = None
    targets = getattr(downloader, '_get_available_impersonate_targets', list)()
    return {'curlCffi': version, 'impersonation': bool(targets)}
