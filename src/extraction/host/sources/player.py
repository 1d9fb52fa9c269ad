"""The API behind TikTok's embedded player: no cookie, no signature."""

from . import facts

URL = 'https://www.tiktok.com/player/api/v1/items?item_ids={}'


def fetch(client, job):
    answer = client.send(URL.format(job['post']), {'Referer': 'https://www.tiktok.com/'}, target=job.get('target'))
    return {'data': facts.json_of(answer.body), 'answer': facts.of(answer)}
