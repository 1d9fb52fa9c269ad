"""What is known of a failure, as plain facts. What they mean is decided in failure.ts."""

from yt_dlp.networking.exceptions import HTTPError, TransportError
from yt_dlp.utils import GeoRestrictedError

EMPTY = {
    'message': '',       # for the log only
    'timeout': False,    # a client of yt-dlp's, or the deadline, gave up
    'transport': False,  # no answer: refused, reset, TLS, proxy
    'http': None,        # status of the answer that ended it
    'geo': False,        # yt-dlp calls it geo-restricted
    'page': None,        # what the last page was, see Seen
}

# libcurl's CURLE_OPERATION_TIMEDOUT
CURL_TIMED_OUT = 28


def describe(error, seen):
    facts = {**EMPTY, 'message': f'{type(error).__name__}: {error}'[:500], 'page': seen.facts()}
    for cause in chain(error):
        if isinstance(cause, HTTPError):
            facts['http'] = cause.status
        elif isinstance(cause, TransportError):
            facts['transport'] = True
        elif isinstance(cause, GeoRestrictedError):
            facts['geo'] = True
        if isinstance(cause, TimeoutError) or getattr(cause, 'code', None) == CURL_TIMED_OUT:
            facts['timeout'] = True
    return facts


def chain(error):
    """The error and everything that led to it, by any of the three ways in which Python and yt-dlp link them."""
    waiting, met = [error], []
    while waiting:
        current = waiting.pop()
        if isinstance(current, BaseException) and not any(current is known for known in met):
            met.append(current)
            waiting += [getattr(current, 'cause', None), current.__cause__, current.__context__]
    return met
