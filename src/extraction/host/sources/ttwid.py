"""Registers a visitor id (ttwid) with ByteDance, as the pages of Douyin do."""

import json

from . import facts

URL = 'https://ttwid.bytedance.com/ttwid/union/register/'
REQUEST = {
    'region': 'cn', 'aid': 1768, 'needFid': False, 'service': 'www.ixigua.com',
    'migrate_info': {'ticket': '', 'source': 'node'}, 'cbUrlProtocol': 'https', 'union': True,
}


def fetch(client, job):
    answer = client.send(URL, {'Content-Type': 'application/json'}, data=json.dumps(REQUEST).encode(), method='POST')
    value = next((cookie.value for cookie in client.cookies if cookie.name == 'ttwid'), None)
    return {'data': {'ttwid': value} if value else None, 'answer': facts.of(answer)}
