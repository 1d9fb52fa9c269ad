"""One child's connection to its worker: a hello, then one reply for each job, until the connection ends."""

import json
import os
import signal
import sys
import time

import failure
import fetcher

# HTTP clients give up this many seconds before the deadline, so that a silent server ends as an ordinary error, which
# keeps this process.
CLIENT_MARGIN = 0.3

# A longer reply is no post.
MAX_REPLY = 1_500_000


class DeadlineExceeded(BaseException):
    """Not an Exception, so that no handler inside yt-dlp takes it for one of its own."""


class Deadline:
    """Raises DeadlineExceeded in the main thread once the time is up, again and again until disarmed: a single
    one could be swallowed where C code calls back into Python, or while a response is being closed."""

    def __init__(self):
        self.ends = 0.0
        self.armed = False
        signal.signal(signal.SIGALRM, self.expire)

    def expire(self, *_):
        if self.armed:
            raise DeadlineExceeded

    def arm(self, seconds):
        self.ends = time.monotonic() + seconds
        self.armed = True
        signal.setitimer(signal.ITIMER_REAL, seconds, 0.2)

    def disarm(self):
        while True:
            try:
                self.armed = False
                signal.setitimer(signal.ITIMER_REAL, 0)
                return
            except DeadlineExceeded:
                continue

    def remaining(self):
        """Seconds that one HTTP request may take."""
        return max(0.5, self.ends - time.monotonic() - CLIENT_MARGIN)


def serve_connection(connection, config, facts):
    deadline = Deadline()
    sources = fetcher.Fetcher(config, deadline.remaining)
    with connection.makefile('rb') as jobs, connection.makefile('wb') as replies:
        send(replies, encode({**facts, 'pid': os.getpid()}))
        for line in jobs:
            job = json.loads(line)
            reply, clean = run(sources, deadline, job)
            send(replies, encode_reply({'id': job['id'], **reply, 'last': not clean}))
            if not clean:
                return  # a request may still run in a thread of curl's: the worker connects to a fresh child


def send(replies, line):
    replies.write(line + b'\n')
    replies.flush()


def encode(message):
    # ASCII JSON: it has no line separator inside, and escapes what no UTF-8 can carry (lone surrogates).
    return json.dumps(message, separators=(',', ':'), allow_nan=False).encode()


def encode_reply(message):
    """A post that JSON cannot carry (NaN, Infinity) or that is far too large is an unreadable one: data without a post,
    where None would mean a page without data, which is a refusal."""
    try:
        line = encode(message)
    except ValueError:
        line = b''
    if 0 < len(line) <= MAX_REPLY:
        return line
    return encode({'id': message['id'], 'ok': True, 'data': {}, 'answer': message.get('answer'), 'last': message['last']})


def run(sources, deadline, job):
    """The reply, and whether this process is fit for another job."""
    try:
        deadline.arm(job['timeout'])
        try:
            return {'ok': True, **sources.fetch(job)}, True
        finally:
            deadline.disarm()
    except DeadlineExceeded:
        deadline.disarm()
        return {'ok': False, 'error': {'kind': 'timeout', 'message': 'deadline exceeded'}}, False
    except MemoryError:
        return {'ok': False, 'error': {'kind': 'internal', 'message': 'out of memory'}}, False
    except Exception as error:
        told = failure.describe(error)
        print(json.dumps({'job': job['op'], 'error': told['message']}), file=sys.stderr, flush=True)
        return {'ok': False, 'error': told}, True
