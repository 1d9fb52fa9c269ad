"""Douyin's app feed: the asked post among recommendations."""

from . import facts

URL = 'https://aweme.snssdk.com/aweme/v1/feed/?aweme_id={}&aid=1128'
APP = 'com.ss.android.ugc.aweme/270101 (Linux; U; Android 13; zh_CN; Pixel 7; Build/TD1A; Cronet/58.0.2991.0)'


def fetch(client, job):
    answer = client.send(URL.format(job['post']), {'User-Agent': APP})
    feed = facts.json_of(answer.body)
    posts = feed.get('aweme_list') if isinstance(feed, dict) else None
    own = [post for post in posts if isinstance(post, dict) and post.get('aweme_id') == job['post']] if isinstance(posts, list) else None
    return {'data': None if own is None else {'aweme_list': own}, 'answer': facts.of(answer)}
