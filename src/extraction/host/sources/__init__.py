"""One module for each operation of a job. `fetch(client, job)` requests and returns `{'data': …, 'answer': facts}`:
the raw JSON of the post where there is one, and the facts of the response. Conclusions are drawn in TypeScript."""

from . import (
    douyin_detail, douyin_feed, douyin_share, douyin_slides, embed, oembed, page, player, resolve, self_test, ttwid, ytdlp,
)

FETCH = {
    'page': page.fetch,
    'mobile': page.fetch_mobile,
    'player': player.fetch,
    'embed': embed.fetch,
    'oembed': oembed.fetch,
    'douyin-detail': douyin_detail.fetch,
    'douyin-slides': douyin_slides.fetch,
    'douyin-share': douyin_share.fetch,
    'douyin-feed': douyin_feed.fetch,
    'ttwid': ttwid.fetch,
    'resolve': resolve.fetch,
    'parse': ytdlp.fetch,
    'self-test': self_test.fetch,
}

# These present the operator's cookies; the others begin with none.
WITH_COOKIES = ('page', 'mobile', 'resolve', 'douyin-detail')
