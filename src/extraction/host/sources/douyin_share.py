"""Douyin's share page, as a phone gets it."""

from . import facts, resolve

URL = 'https://www.iesdouyin.com/share/video/{}'
DATA = b'_ROUTER_DATA = '


def fetch(client, job):
    headers = {'User-Agent': resolve.AGENTS['phone'], 'Cookie': f'ttwid={job["ttwid"]}'}
    answer = client.send(URL.format(job['post']), headers)
    return {'data': page_of(answer.body), 'answer': facts.of(answer)}


def page_of(body):
    """The first page of the router's data that has a post; photo posts stand under video pages too."""
    data = facts.after(body, DATA)
    pages = data.get('loaderData') if isinstance(data, dict) else None
    found = (page.get('videoInfoRes') for page in pages.values() if isinstance(page, dict)) if isinstance(pages, dict) else ()
    return next((result for result in found if result), None)
