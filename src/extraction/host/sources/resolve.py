"""Where a short link leads: one hop, not followed."""

from . import facts

# Without a browser's name TikTok redirects instead of sending a page; Douyin keeps phones on its share pages.
AGENTS = {
    'bot': 'facebookexternalhit/1.1',
    'phone': 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) '
             'Version/18.4 Mobile/15E148 Safari/604.1',
}

# Method Not Allowed, Not Implemented.
NO_HEAD = (405, 501)


def fetch(client, job):
    headers = {'User-Agent': AGENTS[job['agent']]}
    answer = client.send(job['url'], headers, method='HEAD', follow=False)
    requests = 1
    if answer.status in NO_HEAD:
        answer = client.send(job['url'], headers, follow=False)
        requests = 2
    return {'data': None, 'answer': facts.of(answer, requests)}
