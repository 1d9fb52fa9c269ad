"""yt-dlp's traverse_obj over plain JSON, several times as fast.

Half of what yt-dlp costs for a post is this one function, which does for each path, lazily, what any kind of object and
path may need. Here is what TikTok's extractor asks of dicts and lists. All else goes to the original, and so does
whatever raises: it decides, and raises as it would have.
"""

import sys
from types import FunctionType

from yt_dlp.extractor import tiktok
from yt_dlp.utils import NO_DEFAULT
from yt_dlp.utils.traversal import traverse_obj as original

EMPTY = (None, {})
SCALARS = frozenset((str, int, float, bool, type(None)))

# What yt-dlp's try_call takes for "no value".
NO_VALUE = (AttributeError, KeyError, TypeError, IndexError, ValueError, ZeroDivisionError)


def install(expected, rehearse):
    """Takes the original's place in TikTok's extractor, where both do the same with the samples below, and where
    `rehearse`, which extracts a post, returns what is expected: what came of it with the original."""
    if getattr(tiktok, 'traverse_obj', None) is not original:
        return
    tiktok.traverse_obj = traverse_obj
    try:
        if all(agrees(paths, options) for paths in PATHS for options in OPTIONS) and repr(rehearse()) == repr(expected):
            return
    except Exception as error:
        print(f'fast traversal: {type(error).__name__}: {error}', file=sys.stderr)
    tiktok.traverse_obj = original
    print('yt-dlp traverses otherwise than expected: its own, slower traverse_obj is used', file=sys.stderr, flush=True)


def agrees(paths, options):
    return repr(traverse_obj(SAMPLE, *paths, **options)) == repr(original(SAMPLE, *paths, **options))


def traverse_obj(obj, *paths, default=NO_DEFAULT, expected_type=None, get_all=True, **others):
    """As yt-dlp's."""
    if not others:
        try:
            return first_found(obj, paths, default, expected_type, get_all)
        except Exception:
            pass
    return original(obj, *paths, default=default, expected_type=expected_type, get_all=get_all, **others)


class Unfamiliar(Exception):
    """Not plain JSON, or a path that is not known here."""


def first_found(obj, paths, default, expected_type, get_all):
    last = len(paths) - 1
    for index, path in enumerate(paths):
        found = follow(obj, path, default, expected_type, get_all, index == last, True)
        if found is not None:
            return found
    return None if default is NO_DEFAULT else default


def follow(obj, path, default, expected_type, get_all, allow_empty, is_tested):
    """What one path leads to."""
    values, has_branched, is_dict = walk(obj, path, default, expected_type, get_all, is_tested)
    values = [value for value in values if value not in EMPTY]
    if get_all and has_branched:
        if values:
            return values
        if allow_empty:
            return [] if default is NO_DEFAULT else default
        return None
    if values:
        return values[0]
    return {} if allow_empty and is_dict else None


def walk(obj, path, default, expected_type, get_all, is_tested):
    """All values at a path, whether it branched, and whether a dict ends it."""
    kind = type(path)
    if kind is not tuple and kind is not list:
        path = (path,)
    values = (obj,)
    has_branched = False
    remaining = len(path)
    key = None
    kind = type(key)
    for key in path:
        remaining -= 1
        kind = type(key)
        if kind is str or kind is int:
            values = [value.get(key) if type(value) is dict else item_of(value, key) for value in values]
        elif kind is set:
            [test] = key  # several types fail here, and are left to the original
            values = [passed(value, test) for value in values]
        elif kind is dict:
            values = [described(value, key, default, expected_type, get_all, not remaining) for value in values]
        elif kind is tuple or kind is list:
            has_branched = has_branched or bool(values)
            values = [
                found for value in values for branch in key
                for found in walk(value, branch, default, expected_type, get_all, not remaining)[0]
            ]
        elif key is ...:
            has_branched = has_branched or bool(values)
            values = [found for value in values for found in branches(value)]
        elif kind is FunctionType:
            has_branched = has_branched or bool(values)
            values = [found for value in values for found in chosen(value, key)]
        elif key is any or key is all:
            has_branched = False
            values = [value for value in values if value not in EMPTY]
            values = (values[0] if values else None,) if key is any else (values,)
        elif key is filter:
            values = [value for value in values if value]
        elif key is not None:
            raise Unfamiliar
    if is_tested and expected_type is not None and kind is not dict and kind is not list and kind is not tuple:
        values = [passed(value, expected_type) for value in values]
    return values, has_branched, kind is dict


def item_of(value, key):
    is_a = type(value)
    if is_a is list:
        return value[key] if type(key) is int and -len(value) <= key < len(value) else None
    if is_a in SCALARS:
        return None
    raise Unfamiliar


def passed(value, test):
    """`test`: a type or a function."""
    if isinstance(test, type):
        return value if isinstance(value, test) else None
    return called(test, value)


def called(function, *args):
    try:
        return function(*args)
    except NO_VALUE:
        return None


def described(value, shape, default, expected_type, get_all, is_tested):
    result = {}
    for name, path in shape.items():
        found = follow(value, path, default, expected_type, get_all, False, is_tested)
        if found is not None:
            result[name] = found
        elif default is not NO_DEFAULT:
            result[name] = default
    return result or None


def branches(value):
    is_a = type(value)
    if is_a is list:
        return value
    if is_a is dict:
        return value.values()
    if is_a in SCALARS:
        return ()
    raise Unfamiliar


def chosen(value, test):
    code = test.__code__
    if code.co_argcount != 2 or code.co_kwonlyargcount or test.__defaults__:
        raise Unfamiliar  # the original refuses some of these
    is_a = type(value)
    if is_a is list:
        return [item for index, item in enumerate(value) if called(test, index, item)]
    if is_a is dict:
        return [item for name, item in value.items() if called(test, name, item)]
    if is_a in SCALARS:
        return ()
    raise Unfamiliar


def int_of(text):
    return int(text)


# What install() tries: every kind of key, and the options in use.
SAMPLE = {
    'id': '7', 'none': None, 'empty': {}, 'nothing': [], 'zero': 0, 'text': '',
    'video': {
        'width': '576', 'bad': 'x',
        'list': [{'url': ['a', None, 'b'], 'n': 1}, {'url': []}, None, {'n': 2}, 'c', 3],
    },
}
PATHS = (
    ('id',), ('gone',), ('none',), ('text',), ('zero',), ('empty',), ('nothing',), ('gone', 'id'), (None,), ((),),
    (('video', 'list', 0, 'url', 2),), (('video', 'list', -1),), (('video', 'list', 9),), (('video', 'list', 'url'),),
    (('id', 0),), (('id', ...),), (('video', ...),), (('gone', ..., 'n'),),
    (('video', 'list', ..., 'url', ...),), (('video', 'list', ..., {dict}, 'n'),), (('id', {str, int}),),
    (('video', 'list', lambda _, v: v['n'] > 1),), (('video', lambda k, _: k == 'width'),),
    (('video', 'list', lambda _, v: v['gone']),), (('video', 'width', {int}),), (('id', {lambda v: v + '!'}, {len}),),
    (('video', ('bad', 'width'), {int_of}),), (('video', ('width', ('list', 0, 'n')), {str}),),
    (('video', ('width', None), {str}, any),), (('video', 'list', ..., {str}, any),),
    (('video', 'list', ..., {int}, all),), (('text', filter),), (('video', 'width', filter),), (('video', 'list', ..., filter),),
    ({'a': 'id', 'b': ('video', 'width', {int_of}), 'c': 'gone', 'd': ('video', 'list', ..., 'n')},), ({'a': 'gone'},),
    (('video', 'list', ..., {'n': 'n', 'u': ('url', 0)}),),
    ((('gone', 'video', None), {'w': (('x', 'width'), {str})}),),
)
OPTIONS = ({}, {'default': None}, {'default': 'd'}, {'get_all': False}, {'expected_type': str}, {'expected_type': int_of})
