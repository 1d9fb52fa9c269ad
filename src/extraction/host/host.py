"""The yt-dlp host: imports yt-dlp once, warms it, then forks one child for each connection.

Started by host-process.ts. The first line of standard input is the configuration (JSON); the end of standard
input means that the service is gone, however it ended, and takes this process and its children with it. One
line (JSON) on standard output says that the host is ready. Everything after that happens on the Unix socket:
one child a connection, whose conversation is described in protocol.ts.
"""

import ctypes
import gc
import json
import os
import resource
import selectors
import signal
import socket
import sys

# Linux' prctl(2): the signal that a process gets when its parent dies.
PR_SET_PDEATHSIG = 1

# Bytes of private memory of one child; it uses a tenth of it.
MAX_CHILD_MEMORY = 512 * 1024 * 1024

# What yt-dlp imports where it is there, for things that are not done here (live chats, tags, encrypted streams,
# YouTube): 5 MB.
UNUSED = ('websockets', 'mutagen', 'Cryptodome', 'Crypto', 'secretstorage', 'xattr', 'yt_dlp_ejs')


def main():
    # The end of standard input goes unnoticed while the imports below block.
    die_with_parent(os.getppid(), signal.SIGTERM)
    config = json.loads(sys.stdin.buffer.readline())
    ready_out = os.dup(1)
    os.dup2(2, 1)  # yt-dlp may print; what it prints must never reach the service as protocol
    os.nice(5)  # the service answers and relays; what is fetched for later answers comes after that
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the service decides when we go
    sys.path[:0] = config['sysPath']
    sys.modules.update(dict.fromkeys(UNUSED))  # None: an import fails as if there were no such package

    import trust
    trust.add(config['caFile'], config['runDir'])
    import child
    import fetcher
    # A child's first job finds every module and regular expression ready, and shares that memory with its siblings.
    facts = {**fetcher.verify(), 'host': os.getpid()}
    listener = listen(config['socketPath'])
    gc.collect()
    gc.freeze()
    os.write(ready_out, json.dumps({**facts, 'pid': os.getpid()}).encode() + b'\n')
    os.close(ready_out)
    serve(listener, lambda connection: child.serve_connection(connection, config, facts))
    os.unlink(config['socketPath'])


def listen(path):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    previous = os.umask(0o177)
    try:
        listener.bind(path)
    finally:
        os.umask(previous)
    listener.listen(256)
    return listener


def serve(listener, serve_connection):
    """Forks a child for each connection until standard input ends or SIGTERM comes; leaves no child behind."""
    children = set()
    wake_in, wake_out = os.pipe()
    os.set_blocking(wake_in, False)
    os.set_blocking(wake_out, False)
    signal.set_wakeup_fd(wake_out)
    leaving = False

    def leave(*_):
        nonlocal leaving
        leaving = True

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    with selectors.DefaultSelector() as selector:
        for source in (listener, sys.stdin, wake_in):
            selector.register(source, selectors.EVENT_READ)
        while not leaving:
            for key, _ in selector.select():
                if key.fileobj is listener:
                    connection, _ = listener.accept()
                    pid = fork(connection, serve_connection, [listener.fileno(), wake_in, wake_out])
                    children.add(pid)
                    connection.close()
                elif key.fileobj is sys.stdin:
                    leaving = leaving or not os.read(sys.stdin.fileno(), 4096)
                else:
                    drain(wake_in)
            reap(children)
    for pid in children:
        os.kill(pid, signal.SIGKILL)
    while children:
        children.discard(os.wait()[0])


def fork(connection, serve_connection, inherited):
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        die_with_parent(parent, signal.SIGKILL)
        limit_memory()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for fd in inherited:
            os.close(fd)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        serve_connection(connection)
        status = 0
    except (BrokenPipeError, ConnectionResetError):
        status = 0  # the worker has closed the connection
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)


def limit_memory():
    """A response that unpacks to gigabytes fails in the child, and out of memory the kernel takes a child before the
    service (Linux)."""
    if sys.platform == 'linux':
        resource.setrlimit(resource.RLIMIT_DATA, (MAX_CHILD_MEMORY, MAX_CHILD_MEMORY))
        with open('/proc/self/oom_score_adj', 'w') as file:
            file.write('1000')


def die_with_parent(parent, end):
    """A killed process cannot clean up, so the kernel ends its children (Linux; elsewhere a host ends with its standard
    input, a child with its connection)."""
    if sys.platform == 'linux':
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, end)
        if os.getppid() != parent:  # it died before the kernel knew
            os._exit(1)


def drain(fd):
    try:
        while os.read(fd, 512):
            pass
    except BlockingIOError:
        pass


def reap(children):
    while children:
        pid, _ = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        children.discard(pid)


if __name__ == '__main__':
    main()
