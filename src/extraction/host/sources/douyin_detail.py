"""Douyin's web API for one post, asked in one of three ways: as open.douyin.com (`origin`), as a browser with a
registered ttwid (`ttwid`), or with the operator's cookies (`cookies`)."""

import urllib.parse

from . import facts

URL = 'https://www.douyin.com/aweme/v1/web/aweme/detail/'

# The parameters of Douyin's own page; the API does not check its signature (a_bogus).
WEB = {
    'device_platform': 'webapp', 'aid': '6383', 'channel': 'channel_pc_web', 'pc_client_type': '1',
    'version_code': '190500', 'version_name': '19.5.0', 'cookie_enabled': 'true', 'platform': 'PC',
}
FETCH_HEADERS = {'Sec-Fetch-Dest': 'empty', 'Sec-Fetch-Mode': 'cors', 'Accept': 'application/json, text/plain, */*'}


def fetch(client, job):
    post, way = job['post'], job['way']
    if way == 'origin':
        query = {'aweme_id': post, 'aid': '6383'}
        origin = 'https://open.douyin.com'
        headers = {**FETCH_HEADERS, 'Origin': origin, 'Referer': origin, 'Sec-Fetch-Site': 'same-site'}
        client.cookies.clear()
    else:
        query = {**WEB, 'aweme_id': post}
        headers = {**FETCH_HEADERS, 'Referer': f'https://www.douyin.com/video/{post}', 'Sec-Fetch-Site': 'same-origin'}
        if way == 'ttwid':
            client.cookies.clear()
            headers['Cookie'] = f'ttwid={job["ttwid"]}'
    answer = client.send(f'{URL}?{urllib.parse.urlencode(query)}', headers, target=job.get('target'))
    return {'data': facts.json_of(answer.body), 'answer': facts.of(answer)}
