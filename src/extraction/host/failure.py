"""What kept a request from having a response, as plain facts."""

from yt_dlp.networking.exceptions import TransportError

import client

# libcurl's CURLE_OPERATION_TIMEDOUT.
CURL_TIMED_OUT = 28


def describe(error):
    """`kind`: timeout, connection (refused, reset, TLS, proxy, no such name), too-large or internal."""
    causes = chain(error)
    if any(isinstance(cause, TimeoutError) or getattr(cause, 'code', None) == CURL_TIMED_OUT for cause in causes):
        kind = 'timeout'
    elif any(isinstance(cause, TransportError) for cause in causes):
        kind = 'connection'
    elif isinstance(error, client.TooLarge):
        kind = 'too-large'
    else:
        kind = 'internal'
    return {'kind': kind, 'message': f'{type(error).__name__}: {error}'[:500]}


def chain(error):
    """The error and everything that led to it, by any of the three ways in which Python and yt-dlp link them."""
    waiting, met = [error], []
    while waiting:
        current = waiting.pop()
        if isinstance(current, BaseException) and not any(current is known for known in met):
            met.append(current)
            waiting += [getattr(current, 'cause', None), current.__cause__, current.__context__]
    return met
