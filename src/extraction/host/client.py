"""HTTP for the sources, on yt-dlp's networking: deadlines, a size limit, kept connections, checked redirects."""

import urllib.parse

import yt_dlp
from yt_dlp.networking import Request
from yt_dlp.networking.exceptions import HTTPError
from yt_dlp.networking.impersonate import ImpersonateTarget

import transport

# Unpacked bytes of one response; a post's page has half a megabyte.
MAX_BODY = 8 * 1024 * 1024

MAX_REDIRECTS = 5

# Requests and redirects stay on these domains and their subdomains.
SITES = (
    'tiktok.com', 'tiktokv.com', 'douyin.com', 'iesdouyin.com', 'snssdk.com', 'amemv.com', 'bytedance.com',
)


# At the end of a proxy's address: each connection has another exit, so none is used twice.
ROTATING = '#rotating'


class NullLogger:
    """yt-dlp's messages are for a terminal; failures reach us as exceptions."""

    def debug(self, message):
        pass

    info = warning = error = debug


class TooLarge(Exception):
    """The body has more than MAX_BODY bytes."""


class Answer:
    """One HTTP response, whatever its status; `url` is the last one requested. `extensions` is for yt-dlp."""

    def __init__(self, status, url, headers, body):
        self.status = status
        self.url = url
        self.headers = headers
        self.body = body
        self.extensions = {}

    def location(self):
        """The absolute address of a redirect; empty where there is none."""
        target = self.headers.get('location', '')
        return urllib.parse.urljoin(self.url, target) if target and 300 <= self.status < 400 else ''


class Downloader(yt_dlp.YoutubeDL):
    """A YoutubeDL whose requests end with the job's deadline and follow no redirect."""

    def __init__(self, proxy, remaining):
        self.remaining = remaining
        self.keeps_connections = not (proxy or '').endswith(ROTATING)
        super().__init__({
            'quiet': True,
            'no_warnings': True,
            'logger': NullLogger(),
            'cachedir': False,
            'color': 'never',
            'proxy': (proxy or '').removesuffix(ROTATING),  # an empty string keeps yt-dlp from reading the environment
        }, auto_init=False)

    def build_request_director(self, handlers, preferences=None):
        return super().build_request_director(transport.handlers(handlers, self.keeps_connections), preferences)


class Client:
    """One egress: connections, cookies and extractors of its own. `last` is the last response of a job."""

    def __init__(self, proxy, remaining):
        self.remaining = remaining
        self.ytdl = Downloader(proxy, remaining)
        self.last = None

    @property
    def cookies(self):
        return self.ytdl.cookiejar

    def close(self):
        self.ytdl.close()

    def send(self, url, headers=None, data=None, method=None, target=None, follow=True):
        """Sends one request and follows its redirects within SITES. A redirect elsewhere is the answer itself.

        Raises TooLarge, and yt-dlp's TransportError for everything that is no HTTP response.
        """
        answer = self.once(url, headers, data, method, target)
        for _ in range(MAX_REDIRECTS if follow else 0):
            location = answer.location()
            if not location or not is_allowed(location):
                break
            answer = self.once(location, headers, None, None, target)
        return answer

    def once(self, url, headers, data, method, target):
        if not is_allowed(url):
            raise ValueError('an address outside of the known sites')
        request = Request(url, data=data, headers=headers or {}, method=method, extensions={
            'timeout': self.remaining(),
            # Without curl_cffi there is no target to choose from.
            **({'impersonate': ImpersonateTarget.from_str(target)} if target else {}),
        })
        try:
            response = self.ytdl.urlopen(request)
        except HTTPError as error:
            response = error.response
        try:
            body = response.read(MAX_BODY + 1)
        finally:
            response.close()
        if len(body) > MAX_BODY:
            raise TooLarge(f'more than {MAX_BODY} bytes')
        headers = {name.lower(): value for name, value in response.headers.items()}
        self.last = Answer(response.status, response.url, headers, body)
        return self.last


def is_allowed(url):
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    host = parts.hostname or ''
    plain = parts.scheme == 'https' and port in (None, 443) and '@' not in parts.netloc
    return plain and any(host == site or host.endswith(f'.{site}') for site in SITES)
