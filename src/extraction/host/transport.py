"""yt-dlp's request handlers, changed in three ways: connections stay open from one post to the next, redirects are
left to the caller, and a body stops at the size limit while it is unpacked.

yt-dlp asks curl_cffi to stream each response, for which curl_cffi makes a new curl handle and with it a new
connection. The responses here are small and wanted whole, so they are fetched whole on the session's own handle.
"""

import socket

from yt_dlp.networking import Request
from yt_dlp.networking._urllib import RedirectHandler, UrllibRH
from yt_dlp.networking.exceptions import RequestError
from yt_dlp.networking.impersonate import ImpersonateTarget

try:
    import curl_cffi.requests
    from curl_cffi import CurlOpt
    from yt_dlp.networking._curlcffi import CurlCFFIRH
except ImportError:  # no curl_cffi, or one that this yt-dlp does not accept: no impersonation
    CurlCFFIRH = None

# Twice the limit of client.py: the handler bounds memory, the client decides.
MAX_BODY = 16 * 1024 * 1024

# libcurl's CURL_WRITEFUNC_ERROR ends the transfer.
WRITE_ERROR = 0xFFFFFFFF


def handlers(available, keeps_connections):
    """The one handler to use of those that yt-dlp has: the browser-like one where it is there."""
    if not CurlCFFIRH or CurlCFFIRH not in available:
        return [NoRedirectRH]
    return [WholeResponseRH if keeps_connections else NewConnectionRH]


def targets():
    """Names of the browsers that can be impersonated, best first by yt-dlp's order."""
    return [str(target) for target in CurlCFFIRH.supported_targets] if CurlCFFIRH else []


def warm_up_request(ytdl):
    """Runs the code of a request without a server: connects to a local port where nothing listens."""
    with socket.socket() as unused:
        unused.bind(('127.0.0.1', 0))
        address = f'https://127.0.0.1:{unused.getsockname()[1]}/'
        try:
            ytdl.urlopen(Request(address, extensions={'impersonate': ImpersonateTarget(), 'timeout': 5}))
        except RequestError:
            pass


class NoRedirectRH(UrllibRH):
    """Python's own client, for where curl_cffi is missing."""

    def _create_instance(self, *args, **kwargs):
        opener = super()._create_instance(*args, **kwargs)
        for handler in opener.handlers:
            if isinstance(handler, RedirectHandler):
                handler.redirect_request = lambda *_: None  # the redirect itself is the response
        return opener


if CurlCFFIRH:
    class WholeResponseSession(curl_cffi.requests.Session):
        keeps_connections = True

        def request(self, method, url, *args, stream=None, timeout=None, **kwargs):
            # One bound for the whole exchange instead of one for each silence.
            total = timeout[0] if isinstance(timeout, tuple) else timeout
            chunks = []
            size = 0

            def collect(chunk):
                nonlocal size
                size += len(chunk)
                if size > MAX_BODY:
                    return WRITE_ERROR
                chunks.append(chunk)
                return len(chunk)

            # libcurl remembers a failed name for 30 seconds otherwise.
            self.curl.setopt(CurlOpt.DNS_CACHE_TIMEOUT, 0)
            self.curl.setopt(CurlOpt.PROTOCOLS_STR, 'https')
            self.curl.setopt(CurlOpt.FORBID_REUSE, 0 if self.keeps_connections else 1)
            response = super().request(
                method, url, *args, timeout=total, allow_redirects=False, content_callback=collect, **kwargs)
            content = b''.join(chunks)
            response.iter_content = lambda *_, **__: iter((content,))
            return response

    class WholeResponseRH(CurlCFFIRH):
        # The director knows handlers by this key; yt-dlp's preference for browser-like ones goes by class.
        RH_NAME = CurlCFFIRH.RH_NAME

        def _create_instance(self, cookiejar=None):
            return WholeResponseSession(cookies=cookiejar)

    class NewConnectionSession(WholeResponseSession):
        keeps_connections = False

    class NewConnectionRH(WholeResponseRH):
        def _create_instance(self, cookiejar=None):
            return NewConnectionSession(cookies=cookiejar)
