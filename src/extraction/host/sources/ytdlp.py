"""yt-dlp's own reading of an item, for a shape that ours does not know yet."""

from yt_dlp.extractor.tiktok import DouyinIE

from . import page

FORMAT_KEYS = ('format_id', 'url', 'width', 'height', 'vcodec', 'acodec', 'tbr', 'filesize')


def fetch(client, job):
    if job['platform'] == 'douyin':
        info = DouyinIE(client.ytdl)._parse_aweme_video_app(job['item'])
    else:
        info = page.PageIE(client)._parse_aweme_video_web(job['item'], job['url'], job['post'])
    formats = [{key: found[key] for key in FORMAT_KEYS if key in found} for found in info.get('formats') or ()]
    return {'data': formats, 'answer': None}
