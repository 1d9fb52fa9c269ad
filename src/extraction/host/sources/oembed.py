"""oEmbed: a witness of whether a public video exists. It has no media."""

import urllib.parse

from . import facts

URL = 'https://www.tiktok.com/oembed?url={}'


def fetch(client, job):
    answer = client.send(URL.format(urllib.parse.quote(job['url'], safe='')), target=job.get('target'))
    return {'data': facts.json_of(answer.body), 'answer': facts.of(answer)}
