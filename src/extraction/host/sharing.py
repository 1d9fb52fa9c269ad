"""What a child writes to is its own; what it only reads it shares with the host and its siblings. Python writes
wherever it looks, because it counts references, and so does malloc wherever it finds a gap. So before the first fork
what children use is brought together, and the gaps are filled (docs/PERFORMANCE.md has what each gave).
"""

import ctypes
import gc
import marshal
import sys
import types

# pymalloc's pools: aligned to their size, each with a header before its first block.
POOL_SIZE = 16384
POOL_HEADER = 48
LARGEST_SMALL = 512

# Of one size. A thousand at most are needed; a Python with another allocator (PYTHONMALLOC, free threading) never comes
# to an end, and shall not take more than 30 MB until here.
MOST_FILLERS = 2_000

# What would leave new gaps if it went.
kept = []


def prepare(rehearse):
    """Before the first fork. `rehearse` does what a job does."""
    gc.collect()
    fill_gaps()
    gather(rehearse)
    gc.collect()
    fill_gaps()
    gc.freeze()


def gather(rehearse):
    """Copies the code that a job runs, which lies scattered among what no job ever runs, to one place."""
    codes = {}

    def note(frame, event, _):
        if event == 'call':
            codes[id(frame.f_code)] = frame.f_code

    sys.setprofile(note)
    try:
        rehearse()
    finally:
        sys.setprofile(None)
    for found in gc.get_objects():
        if isinstance(found, types.FunctionType) and id(found.__code__) in codes:
            found.__code__ = marshal.loads(marshal.dumps(found.__code__))
    kept.append(codes)


def fill_gaps():
    fill_pools()
    if sys.platform == 'linux':
        fill_heap()


def fill_pools():
    """Takes the free blocks of each of pymalloc's sizes: until one comes that is the first of its pool."""
    for size in range(16, LARGEST_SMALL + 1, 16):
        for _ in range(MOST_FILLERS):
            filler = filler_of(size)
            kept.append(filler)
            if id(filler) % POOL_SIZE == POOL_HEADER:
                break


def filler_of(size):
    """Some object that takes a block of this size; bytes are 33 longer than their content."""
    if size == 16:
        return object()
    return (1 << 40) + len(kept) if size == 32 else bytes(size - 33)


class MallInfo(ctypes.Structure):
    """glibc's struct mallinfo2; `keepcost` is what is free at the heap's end."""
    _fields_ = [(name, ctypes.c_size_t) for name in (
        'arena', 'ordblks', 'smblks', 'hblks', 'hblkhd', 'usmblks', 'fsmblks', 'uordblks', 'fordblks', 'keepcost')]


def fill_heap():
    """Takes malloc's free chunks, the largest first: until one comes from the heap's end."""
    libc = ctypes.CDLL(None)
    if not hasattr(libc, 'mallinfo2'):  # not glibc, or an old one
        return
    libc.mallinfo2.restype = MallInfo
    libc.sbrk.restype = libc.malloc.restype = ctypes.c_void_p
    libc.sbrk.argtypes = [ctypes.c_ssize_t]
    libc.malloc.argtypes = [ctypes.c_size_t]
    libc.free.argtypes = [ctypes.c_void_p]
    for size in (65536, 32768, 16384, 8192, 4096, 2048, *range(1024, 0, -16)):
        for _ in range(MOST_FILLERS):
            end = libc.sbrk(0) - libc.mallinfo2().keepcost
            chunk = libc.malloc(size - 8)
            if not chunk or chunk >= end:
                libc.free(chunk)
                break
