"""The page of a TikTok post, as a browser of the job's choice gets it. yt-dlp's TikTokIE asks for it and solves the
challenge; the post's part of its data is read here, and all else of the page stays bytes."""

from yt_dlp.extractor.tiktok import TikTokIE
from yt_dlp.utils import ExtractorError

from . import facts

SCRIPT = '__UNIVERSAL_DATA_FOR_REHYDRATION__'

# Where a desktop page and a phone's page keep the post.
DESKTOP = (b'"webapp.video-detail":',)
MOBILE = (b'"webapp.reflow.video.detail":', b'"videoDetail":')

# Media links name the cookie of their page that the CDN demands (`tk=tt_chain_token`).
MEDIA_COOKIES = ('tt_chain_token',)

# Stands for a page whose data has been read.
READ_PAGE = f'<script id="{SCRIPT}"></script>'


class PageIE(TikTokIE):
    """TikTokIE over our client. `answer` is the last response, `detail` the post's part of the page's data."""

    def __init__(self, client):
        super().__init__(client.ytdl)
        self.client = client
        self.begin(DESKTOP, None)

    def begin(self, keys, target):
        self.keys = keys
        self.target = target
        self.answer = None
        self.requests = 0
        self.detail = None

    def _download_webpage_handle(self, url, video_id, *args, headers=None, **kwargs):
        self.answer = self.client.send(url, headers=headers, target=self.target)
        self.requests += 1
        if not 200 <= self.answer.status < 300:
            raise ExtractorError(f'HTTP {self.answer.status}')
        self.detail = next(filter(None, (found_in(self.answer.body, key) for key in self.keys)), None)
        text = READ_PAGE if self.detail else self.answer.body.decode(errors='replace')
        return text, self.answer

    def _get_universal_data(self, webpage, video_id):
        return {'webapp.video-detail': self.detail} if self.detail else super()._get_universal_data(webpage, video_id)


def found_in(body, key):
    detail = facts.after(body, key)
    return detail if isinstance(detail, dict) and ('itemInfo' in detail or 'statusCode' in detail) else None


def fetch(client, job):
    return fetch_with(client, job, DESKTOP)


def fetch_mobile(client, job):
    return fetch_with(client, job, MOBILE)


def fetch_with(client, job, keys):
    if not hasattr(client, 'page'):
        client.page = PageIE(client)
    extractor = client.page
    extractor.begin(keys, job.get('target'))
    message = ''
    data = None
    try:
        item, status = extractor._extract_web_data_and_status(job['url'], job['post'])
        # A newer yt-dlp may find the post where we do not.
        data = {'itemInfo': {'itemStruct': item}, 'statusCode': status} if item else None
    except ExtractorError as error:
        # The facts of the response say what it was. Without a response there is nothing but the error.
        if extractor.answer is None:
            raise
        message = error.orig_msg or ''
    data = extractor.detail or data
    return {
        'data': data,
        'answer': {**facts.of(extractor.answer, extractor.requests, data is not None), 'message': message[:200]},
        'cookies': {cookie.name: cookie.value for cookie in client.cookies if cookie.name in MEDIA_COOKIES},
    }

