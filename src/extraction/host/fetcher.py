"""Carries out jobs: one warm client for each egress; all share the operator's cookies."""

import os
import sys

from yt_dlp.cookies import YoutubeDLCookieJar
from yt_dlp.version import __version__ as ytdlp_version

import client
import sources
import transport
from sources import facts, self_test

PROTOCOL = 2

# Kept at a time, the least recently used goes: a proxy with sessions has another address for each of them.
MAX_CLIENTS = 64


class Fetcher:
    def __init__(self, config, remaining):
        self.remaining = remaining
        self.clients = {}
        self.cookies = CookieFile(config['cookiesPath'])

    def client(self, proxy):
        found = self.clients.pop(proxy, None) or client.Client(proxy, self.remaining)
        self.clients[proxy] = found
        if len(self.clients) > MAX_CLIENTS:
            self.clients.pop(next(iter(self.clients))).close()
        return found

    def fetch(self, job):
        found = self.client(job['proxy'])
        found.cookies.clear()
        if job['op'] in sources.WITH_COOKIES:
            self.cookies.fill(found.cookies)
        try:
            reply = sources.FETCH[job['op']](found, job)
            return {**reply, 'raw': facts.raw(found.last, found.cookies)} if job.get('raw') else reply
        finally:
            found.last = None


class CookieFile:
    """The operator's cookies, read again when the file changes. Each job starts with these or with none, so that one
    page's cookies never reach the next page."""

    def __init__(self, path):
        self.path = path
        self.stamp = None
        self.cookies = []

    def fill(self, jar):
        self.refresh()
        for cookie in self.cookies:
            jar.set_cookie(cookie)

    def refresh(self):
        try:
            status = os.stat(self.path)
            # Changes with the permissions, too.
            stamp = (status.st_ctime_ns, status.st_size, status.st_ino)
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
                print(f'warning: the cookies file cannot be read: {type(error).__name__}: {error}', file=sys.stderr, flush=True)


def verify():
    """Runs the self-test before the first fork. Returns what the host says of itself."""
    warm = client.Client(None, lambda: 20.0)
    self_test.run(warm)
    transport.warm_up_request(warm.ytdl)
    return {
        'protocol': PROTOCOL,
        'ytdlp': ytdlp_version,
        'python': '.'.join(map(str, sys.version_info[:3])),
        'curlCffi': curl_cffi_version(),
        'impersonation': bool(transport.targets()),
        'targets': transport.targets(),
    }


def curl_cffi_version():
    try:
        import curl_cffi
        return curl_cffi.__version__
    except ImportError:
        return None
