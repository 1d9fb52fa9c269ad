"""yt-dlp's extractors, read along: what they see of a page and do not hand on.

The overrides below are all that ties us to yt-dlp's inside; prove() runs them against the installed version
before the host accepts a connection.
"""

import json
import urllib.parse

from yt_dlp.extractor.tiktok import DouyinIE, TikTokIE
from yt_dlp.utils import ExtractorError

# What of yt-dlp's description is sent on; the rest is in the item or not needed.
INFO_KEYS = (
    'id', 'title', 'description', 'timestamp', 'duration', 'uploader', 'channel', 'track', 'artists', 'album',
    'view_count', 'like_count', 'comment_count', 'repost_count', 'save_count',
)

FORMAT_KEYS = ('format_id', 'url', 'width', 'height', 'vcodec', 'acodec', 'tbr', 'filesize')

# What of TikTok's (camelCase) or Douyin's (snake_case) item is sent on.
ITEM_KEYS = (
    'id', 'desc', 'createTime', 'author', 'stats', 'statsV2', 'imagePost', 'isContentClassified',
    'aweme_id', 'create_time', 'statistics', 'images',
)
VIDEO_KEYS = (
    'width', 'height', 'duration', 'cover', 'originCover', 'origin_cover', 'bitrateInfo', 'subtitleInfos', 'size', 'codecType',
)
MUSIC_KEYS = (
    'title', 'authorName', 'author', 'album', 'duration', 'playUrl', 'play_url', 'coverLarge', 'coverMedium', 'cover_large',
)

DETAIL_KEY = '"webapp.video-detail":'
SCRIPT_ID = 'id="__UNIVERSAL_DATA_FOR_REHYDRATION__"'


class Seen:
    """What one job came across; facts for failure.ts and the item for the post."""

    def __init__(self):
        self.pages = 0
        self.login = False
        self.challenge = False
        self.readable = False
        self.detail = {}
        self.filter_reason = None

    def page(self, webpage, final_url):
        self.pages += 1
        self.login = urllib.parse.urlsplit(final_url).path.rstrip('/') == '/login'
        self.challenge = SCRIPT_ID not in webpage and 'id="cs"' in webpage

    def item(self):
        found = self.raw_item()
        return {
            **pick(found, ITEM_KEYS),
            'video': pick(found.get('video'), VIDEO_KEYS),
            'music': pick(found.get('music'), MUSIC_KEYS),
        }

    def raw_item(self):
        info = self.detail.get('itemInfo')
        found = info.get('itemStruct') if isinstance(info, dict) else None
        return found if isinstance(found, dict) else {}

    def facts(self):
        item = self.raw_item()
        return {
            'count': self.pages,
            'login': self.login,
            'challenge': self.challenge,
            'readable': self.readable,
            'status': as_int(self.detail.get('statusCode')),
            'statusMsg': self.detail.get('statusMsg') or self.filter_reason or '',
            'hasItem': bool(item),
            'classified': bool(item.get('isContentClassified')),
        }


class TikTokPost(TikTokIE):
    seen = Seen()

    def _download_webpage_handle(self, *args, **kwargs):
        result = super()._download_webpage_handle(*args, **kwargs)
        if result:
            self.seen.page(result[0], result[1].url)
        return result

    def _get_universal_data(self, webpage, *args, **kwargs):
        detail = read_detail(webpage)
        data = {'webapp.video-detail': detail} if detail else super()._get_universal_data(webpage, *args, **kwargs)
        self.seen.readable = bool(data)
        found = data.get('webapp.video-detail')
        self.seen.detail = found if isinstance(found, dict) else {}
        return data


class DouyinPost(DouyinIE):
    seen = Seen()

    def _download_json(self, *args, **kwargs):
        # yt-dlp lets every failure here end as "fresh cookies are needed". Only an answer without JSON means that.
        try:
            answer = super()._download_json(*args, **{**kwargs, 'fatal': True})
        except ExtractorError as error:
            if isinstance(error.cause, ValueError):
                return False
            raise
        if isinstance(answer, dict):
            self.seen.pages += 1
            self.seen.readable = True
            self.seen.detail = {'itemInfo': {'itemStruct': answer.get('aweme_detail')}}
            reason = answer.get('filter_detail')
            self.seen.filter_reason = reason.get('filter_reason') if isinstance(reason, dict) else None
        return answer


def read_detail(webpage):
    """The one part of the page's data that is used, parsed alone: a tenth of the work of parsing it all. None where
    it does not look as expected; yt-dlp's own reading then decides."""
    start = webpage.find(DETAIL_KEY, webpage.find(SCRIPT_ID) + 1)
    if start < 0 or SCRIPT_ID not in webpage:
        return None
    try:
        detail, _ = json.JSONDecoder(strict=False).raw_decode(webpage, start + len(DETAIL_KEY))
    except ValueError:
        return None
    return detail if isinstance(detail, dict) and 'itemInfo' in detail else None


def trim(info):
    return {
        **{key: info.get(key) for key in INFO_KEYS},
        'formats': [pick(item, FORMAT_KEYS) for item in info.get('formats') or ()],
        'thumbnails': [pick(item, ('url',)) for item in info.get('thumbnails') or ()],
    }


def pick(source, keys):
    return {key: source[key] for key in keys if key in source} if isinstance(source, dict) else {}


def as_int(value):
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


class Mismatch(Exception):
    """The installed yt-dlp does not call our overrides as expected, or no longer reads a known page."""


def prove(downloader):
    extractor = _Rehearsal(downloader)
    extractor.seen = Seen()
    info = extractor.extract('https://www.tiktok.com/@rehearsal/video/7000000000000000000')
    seen = extractor.seen
    if not info.get('formats') or not seen.readable or seen.raw_item().get('id') != '7000000000000000000':
        raise Mismatch('yt-dlp did not read the rehearsal page through our subclass of TikTokIE')
    told = {'id': info.get('id'), 'description': info.get('description'), 'uploader': info.get('uploader')}
    if told != {'id': '7000000000000000000', 'description': 'rehearsal', 'uploader': 'rehearsal'}:
        raise Mismatch(f'yt-dlp read something else than what the rehearsal page says: {told}')
    strange = [item['url'] for item in info['formats'] if not item['url'].startswith(_Rehearsal.address)]
    if strange:
        raise Mismatch(f'yt-dlp made links that the rehearsal page does not have: {strange[:1]}')
    if not callable(getattr(DouyinIE, '_download_json', None)):
        raise Mismatch('DouyinIE has no _download_json')


class _Rehearsal(TikTokPost):
    address = 'https://v16-webapp-prime.tiktok.com/video/a/?tk=tt_chain_token'

    def _download_webpage_handle(self, *args, **kwargs):
        address = self.address
        item = {
            'id': '7000000000000000000', 'desc': 'rehearsal', 'createTime': '1700000000',
            'author': {'id': '1', 'uniqueId': 'rehearsal', 'nickname': 'Rehearsal', 'secUid': 'x'},
            'stats': {'playCount': 1}, 'music': {'title': 'x', 'authorName': 'y', 'playUrl': address + '&mime_type=audio_mpeg'},
            'video': {
                'width': 576, 'height': 1024, 'duration': 1, 'playAddr': address, 'downloadAddr': '', 'cover': address,
                'bitrateInfo': [{'PlayAddr': {
                    'UrlKey': 'v14044g50000_h264_540p_858545', 'DataSize': '1', 'UrlList': [address],
                }}],
            },
        }
        scope = {'webapp.video-detail': {'itemInfo': {'itemStruct': item}, 'statusCode': 0}}
        page = f'<script {SCRIPT_ID} type="application/json">{json.dumps({"__DEFAULT_SCOPE__": scope})}</script>'
        self.seen.page(page, 'https://www.tiktok.com/@rehearsal/video/7000000000000000000')
        return page, _Answer()


class _Answer:
    url = 'https://www.tiktok.com/@rehearsal/video/7000000000000000000'
    extensions = {}
