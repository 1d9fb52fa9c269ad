"""One child's conversation with its worker: a hello, then one reply for each job, until the connection ends."""

import json
import os
import signal
import sys
import time

import ytdlp
import failure

# yt-dlp's HTTP clients give up whole seconds apart and a little late. Asking them to be done this much before the
# deadline lets a silent server end as an ordinary error, which keeps this process, rather than by the alarm.
CLIENT_MARGIN = 0.3


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


def converse(connection, config, facts):
    deadline = Deadline()
    posts = ytdlp.Engine(config, deadline.remaining)
    with connection.makefile('rb') as jobs, connection.makefile('wb') as replies:
        say(replies, {**facts, 'pid': os.getpid()})
        for line in jobs:
            job = json.loads(line)
            reply, clean = answer(posts, deadline, job)
            say(replies, {'id': job['id'], **reply})
            if not clean:
                return  # a request may still be running in a thread of curl's: start afresh


def say(replies, message):
    # ASCII JSON: it has no line separator inside, and escapes what no UTF-8 can carry (lone surrogates).
    replies.write(json.dumps(message, separators=(',', ':')).encode() + b'\n')
    replies.flush()


def answer(posts, deadline, job):
    """The reply, and whether this process is fit for another job."""
    try:
        deadline.arm(job['timeout'])
        try:
            return {'ok': True, **posts.do(job)}, True
        finally:
            deadline.disarm()
    except DeadlineExceeded:
        deadline.disarm()
        return {'ok': False, 'failure': {**failure.EMPTY, 'timeout': True, 'message': 'deadline exceeded'}}, False
    except MemoryError:
        return {'ok': False, 'failure': {**failure.EMPTY, 'message': 'out of memory'}}, False
    except Exception as error:
        facts = failure.describe(error, posts.seen)
        print(json.dumps({'job': job['url'], 'failure': facts['message']}), file=sys.stderr, flush=True)
        return {'ok': False, 'failure': facts}, True
