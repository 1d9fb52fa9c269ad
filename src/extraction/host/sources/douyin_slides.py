"""The API behind Douyin's share pages of albums; the one that knows the clips of live photos without a cookie."""

import random
import urllib.parse

from . import facts, resolve

URL = 'https://www.iesdouyin.com/web/api/v2/aweme/slidesinfo/'


def fetch(client, job):
    device = str(random.randint(7_000_000_000_000_000_000, 7_999_999_999_999_999_999))
    query = urllib.parse.urlencode({
        'reflow_source': 'reflow_page', 'web_id': device, 'device_id': device, 'request_source': '200',
    })
    # The id goes without quotes.
    answer = client.send(f'{URL}?{query}&aweme_ids=[{job["post"]}]', {'User-Agent': resolve.AGENTS['phone']})
    return {'data': facts.json_of(answer.body), 'answer': facts.of(answer)}
