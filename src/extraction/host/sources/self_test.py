"""Reads a page made up for the purpose, the way a job does: proves that our subclasses fit the installed yt-dlp, and
warms the code before the fork."""

import json

import client as http
from . import page, ytdlp

POST = '7000000000000000000'
URL = f'https://www.tiktok.com/@self-test/video/{POST}'
ADDRESS = 'https://v16-webapp-prime.tiktok.com/video/a/?tk=tt_chain_token'


class Mismatch(Exception):
    """The installed yt-dlp does not call our overrides as expected, or no longer reads a known page."""


class Canned:
    """A client whose every response is the made-up page."""

    def __init__(self, client):
        self.ytdl = client.ytdl
        self.cookies = client.cookies

    def send(self, url, headers=None, **_):
        return http.Answer(200, url, {'content-type': 'text/html'}, PAGE)


def fetch(client, job):
    run(client)
    return {'data': None, 'answer': None}


def run(client):
    """Raises Mismatch where yt-dlp does otherwise than expected."""
    canned = Canned(client)
    found = page.fetch(canned, {'url': URL, 'post': POST, 'target': None})
    item = (found['data'] or {}).get('itemInfo', {}).get('itemStruct', {})
    if item.get('id') != POST or found['answer']['requests'] != 1:
        raise Mismatch('yt-dlp did not read the made-up page through our subclass of TikTokIE')
    formats = ytdlp.fetch(canned, {'platform': 'tiktok', 'item': item, 'url': URL, 'post': POST})['data']
    strange = [one['url'] for one in formats if not one['url'].startswith(ADDRESS)]
    if not formats or strange:
        raise Mismatch(f'yt-dlp read other links than the made-up page has: {strange[:1]}')


ITEM = {
    'id': POST, 'desc': 'self-test', 'createTime': '1700000000',
    'author': {'id': '1', 'uniqueId': 'self-test', 'nickname': 'Self-test', 'secUid': 'x'},
    'stats': {'playCount': 1},
    'music': {'title': 'x', 'authorName': 'y', 'playUrl': f'{ADDRESS}&mime_type=audio_mpeg'},
    'video': {
        'width': 576, 'height': 1024, 'duration': 1, 'playAddr': ADDRESS, 'downloadAddr': '', 'cover': ADDRESS,
        'bitrateInfo': [{'PlayAddr': {'UrlKey': 'v14044g50000_h264_540p_858545', 'DataSize': '1', 'UrlList': [ADDRESS]}}],
    },
}
SCOPE = {'webapp.video-detail': {'itemInfo': {'itemStruct': ITEM}, 'statusCode': 0}}
PAGE = (
    f'<script id="{page.SCRIPT}" type="application/json">{json.dumps({"__DEFAULT_SCOPE__": SCOPE}, separators=(",", ":"))}</script>'
).encode()
