"""yt-dlp's browser-like HTTP client, with connections that stay open from one post to the next.

yt-dlp asks curl_cffi to stream each answer, for which curl_cffi makes a new curl handle: a new connection, a new
TLS handshake and a new reading of the certificate bundle for each page, two thirds of all the CPU that a post
costs. The pages here are small and wanted whole, so they are fetched whole, on the session's own handle.
"""

import socket

from yt_dlp.networking import Request
from yt_dlp.networking.exceptions import RequestError
from yt_dlp.networking.impersonate import ImpersonateTarget

try:
    import curl_cffi.requests
    from yt_dlp.networking._curlcffi import CurlCFFIRH
except ImportError:  # no curl_cffi, or one that this yt-dlp does not accept: no impersonation
    CurlCFFIRH = None

# The file that curl is to read, see trust.py; None for the one that curl_cffi names.
certificates = None


def keep_alive(handlers):
    """The same request handlers, with the browser-like one replaced by ours."""
    return [WholeAnswerRH if handler is CurlCFFIRH else handler for handler in handlers]


def knock(downloader):
    """Asks where nobody listens, as a browser does: runs the code of a request without one."""
    with socket.socket() as nobody:
        nobody.bind(('127.0.0.1', 0))
        address = f'https://127.0.0.1:{nobody.getsockname()[1]}/'
        try:
            downloader.urlopen(Request(address, extensions={'impersonate': ImpersonateTarget()}))
        except RequestError:
            pass


if CurlCFFIRH:
    class WholeAnswerSession(curl_cffi.requests.Session):
        def request(self, method, url, *args, stream=None, timeout=None, **kwargs):
            # One bound for the whole exchange instead of one for each silence.
            total = timeout[0] if isinstance(timeout, tuple) else timeout
            response = super().request(method, url, *args, timeout=total, **kwargs)
            content = response.content  # not by way of `response`: a circle would keep the page until it is collected
            response.iter_content = lambda *_, **__: iter((content,))
            return response

    class WholeAnswerRH(CurlCFFIRH):
        # The director knows handlers by this key; yt-dlp's preference for browser-like ones goes by class.
        RH_NAME = CurlCFFIRH.RH_NAME

        def _create_instance(self, cookiejar=None):
            return WholeAnswerSession(cookies=cookiejar, verify=certificates or True)
