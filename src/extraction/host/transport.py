"""yt-dlp's browser-like HTTP client, with connections that stay open from one post to the next.

yt-dlp asks curl_cffi to stream each answer, for which curl_cffi makes a new curl handle: a new connection, a new
TLS handshake and a new reading of the certificate bundle for each page, two thirds of all the CPU that a post
costs. The pages here are small and wanted whole, so they are fetched whole, on the session's own handle.
"""

try:
    import curl_cffi.requests
    from yt_dlp.networking._curlcffi import CurlCFFIRH
except ImportError:  # no curl_cffi, or one that this yt-dlp does not accept: no impersonation
    CurlCFFIRH = None


def keep_alive(handlers):
    """The same request handlers, with the browser-like one replaced by ours."""
    return [WholeAnswerRH if handler is CurlCFFIRH else handler for handler in handlers]


if CurlCFFIRH:
    class WholeAnswerSession(curl_cffi.requests.Session):
        def request(self, method, url, *args, stream=None, timeout=None, **kwargs):
            # One bound for the whole exchange instead of one for each silence.
            total = timeout[0] if isinstance(timeout, tuple) else timeout
            response = super().request(method, url, *args, timeout=total, **kwargs)
            response.iter_content = lambda *_, **__: iter((response.content,))
            return response

    class WholeAnswerRH(CurlCFFIRH):
        # The director knows handlers by this key; yt-dlp's preference for browser-like ones goes by class.
        RH_NAME = CurlCFFIRH.RH_NAME

        def _create_instance(self, cookiejar=None):
            return WholeAnswerSession(cookies=cookiejar)
