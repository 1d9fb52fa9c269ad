"""yt-dlp's extractors, read along: what they see of a page and do not hand on.

The overrides below, transport.py and traversal.py are all that ties us to yt-dlp's inside; engine.py runs them against the
installed version before the host accepts a connection.
"""

import io
import json
import urllib.parse

from yt_dlp.extractor.tiktok import DouyinIE, TikTokIE
from yt_dlp.networking import Response
from yt_dlp.networking.exceptions import TransportError
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
    'width', 'height', 'duration', 'cover', 'originCover', 'origin_cover', 'size', 'codecType',
)
BITRATE_KEYS = ('Bitrate', 'CodecType')
SUBTITLE_KEYS = ('Url', 'LanguageCodeName', 'Source')
ADDRESS_KEYS = ('Width', 'Height', 'DataSize')
MUSIC_KEYS = (
    'title', 'authorName', 'author', 'album', 'duration', 'playUrl', 'play_url', 'coverLarge', 'coverMedium', 'cover_large',
)

DETAIL_KEY = b'"webapp.video-detail":'
SCRIPT_ID = 'id="__UNIVERSAL_DATA_FOR_REHYDRATION__"'

# Stands for a page whose data has been read.
READ_PAGE = f'<script {SCRIPT_ID}></script>'


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
        video = found.get('video')
        return {
            **pick(found, ITEM_KEYS),
            'video': {
                **pick(video, VIDEO_KEYS),
                'bitrateInfo': bitrates(video),
                'subtitleInfos': [pick(one, SUBTITLE_KEYS) for one in listed(video, 'subtitleInfos')],
            },
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

    def _webpage_read_content(self, urlh, *args, **kwargs):
        """A page with the post's data is read here, of any other yt-dlp makes text."""
        try:
            content = urlh.read()
        except TransportError as error:
            raise ExtractorError(f'Error reading response: {error.msg}', cause=error) from error
        self.seen.detail = read_detail(content)
        if self.seen.detail:
            return READ_PAGE
        urlh.read = lambda *_: content
        return super()._webpage_read_content(urlh, *args, **kwargs)

    def _get_universal_data(self, *args, **kwargs):
        if self.seen.detail:
            data = {'webapp.video-detail': self.seen.detail}
        else:
            data = super()._get_universal_data(*args, **kwargs)
            found = data.get('webapp.video-detail')
            self.seen.detail = found if isinstance(found, dict) else {}
        self.seen.readable = bool(data)
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


def read_detail(page):
    """The one part of the page's data that is used, decoded and parsed alone: a tenth of the work of doing so with all.
    Empty where it does not look as expected; yt-dlp's own reading then decides."""
    script = page.find(SCRIPT_ID.encode())
    start = page.find(DETAIL_KEY, script + 1)
    if script < 0 or start < 0:
        return {}
    try:
        text = page[start + len(DETAIL_KEY):page.find(b'</script>', start)].decode()
        detail, _ = json.JSONDecoder(strict=False).raw_decode(text)
    except ValueError:
        return {}
    return detail if isinstance(detail, dict) and 'itemInfo' in detail else {}


def bitrates(video):
    """What the page says of each encoding, with the addresses of its files as far as they name a file: the whole ones
    are in yt-dlp's formats, and would be half of a reply."""
    found = []
    for detail in listed(video, 'bitrateInfo'):
        address = detail.get('PlayAddr') if isinstance(detail, dict) else None
        files = [url.partition('?')[0] for url in listed(address, 'UrlList') if isinstance(url, str)]
        found.append({**pick(detail, BITRATE_KEYS), 'PlayAddr': {**pick(address, ADDRESS_KEYS), 'UrlList': files}})
    return found


def listed(source, key):
    found = source.get(key) if isinstance(source, dict) else None
    return found if isinstance(found, list) else ()


def trim(info):
    return {
        **{key: info.get(key) for key in INFO_KEYS},
        'formats': [pick(item, FORMAT_KEYS) for item in info.get('formats') or ()],
        'thumbnails': [pick(item, ('url',)) for item in (info.get('thumbnails') or ())[:1]],
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
    """Extracts the rehearsal page and returns yt-dlp's description of it."""
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
    return info


class _Rehearsal(TikTokPost):
    address = 'https://v16-webapp-prime.tiktok.com/video/a/?tk=tt_chain_token'

    def _request_webpage(self, *args, **kwargs):
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
        return Response(io.BytesIO(page.encode()), 'https://www.tiktok.com/@rehearsal/video/7000000000000000000', {})
