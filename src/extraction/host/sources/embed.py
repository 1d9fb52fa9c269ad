"""The page that other sites embed for a post."""

from . import facts

URL = 'https://www.tiktok.com/embed/v2/{}'
STATE = b'id="__FRONTITY_CONNECT_STATE__"'


def fetch(client, job):
    answer = client.send(URL.format(job['post']), target=job.get('target'))
    return {'data': node_of(answer.body, job['post']), 'answer': facts.of(answer)}


def node_of(body, post):
    """What the page's state says of the post's own address."""
    start = body.find(STATE)
    state = facts.after(body[start:], b'>') if start >= 0 else None
    source = state.get('source') if isinstance(state, dict) else None
    nodes = source.get('data') if isinstance(source, dict) else None
    return next((node for path, node in nodes.items() if post in path), None) if isinstance(nodes, dict) else None
