"""The facts of a response by which TypeScript tells a post from a refusal."""

import base64
import json
import zlib

HEADERS = ('x-tt-system-error', 'tt_orcas_res', 'retry-after', 'content-type')

# Text that tells what a page is; reported where it stands in the body.
WORDS = (
    '__UNIVERSAL_DATA_FOR_REHYDRATION__', '__FRONTITY_CONNECT_STATE__', '_ROUTER_DATA', 'id="cs"', '_wafchallengeid',
    'Please wait...', 'Site Maintenance', 'Security Check', 'overload-protect', 'ratelimit triggered',
    'ArgusSecurityPlugin', 'byted_acrawler.sign', '验证码中间页', 'videoInfoRes', '"errorCode":10204',
)

# Refusals say what they are at their beginning; a post's page is not searched to its end.
SEARCHED = 64 * 1024
ENCODED = [(word, word.encode()) for word in WORDS]


def of(answer, requests=1, has_data=False):
    """`has_data`: the post was found in the body, whose words do not matter then."""
    start = b'' if has_data else answer.body[:SEARCHED]
    return {
        'status': answer.status,
        'url': answer.url,
        'location': answer.location(),
        'headers': {name: answer.headers[name] for name in HEADERS if name in answer.headers},
        'length': len(answer.body),
        'words': [word for word, encoded in ENCODED if encoded in start],
        'requests': requests,
    }


# Characters of a packed body that fit into a reply beside the post.
MAX_RAW = 700_000


def raw(answer, cookies):
    """The whole response, for a job that asks for it: its body packed, None where it is too large, and the values of all
    cookies, so that they can be blotted out."""
    if answer is None:
        return None
    body = base64.b64encode(zlib.compress(answer.body)).decode()
    return {
        'headers': answer.headers,
        'body': body if len(body) <= MAX_RAW else None,
        'cookies': [cookie.value for cookie in cookies if cookie.value],
    }


def json_of(body):
    """The JSON value of a body; None where it is none. The player API was seen to send gzip without saying so."""
    try:
        if body[:2] == b'\x1f\x8b':
            body = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16).decompress(body, 8 * 1024 * 1024)
        return json.loads(body)
    except (ValueError, zlib.error):
        return None


def after(body, key):
    """The JSON value that follows `key` in a page, whatever follows it; None where there is none."""
    start = body.find(key)
    if start < 0:
        return None
    start += len(key)
    end = body.find(b'</script>', start)
    try:
        text = body[start:end if end >= 0 else len(body)].decode()
        return json.JSONDecoder(strict=False).raw_decode(text.lstrip())[0]
    except ValueError:
        return None
