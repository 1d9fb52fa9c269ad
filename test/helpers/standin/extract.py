"""Asks the real yt-dlp for addresses through the stand-in: proxy, CA file, addresses; one JSON line each."""

import json
import os
import sys
import tempfile

proxy, ca_file, *urls = sys.argv[1:]

import certifi  # noqa: E402

with tempfile.NamedTemporaryFile('w', suffix='.pem') as bundle:
    for source in (certifi.where(), ca_file):
        with open(source) as part:
            bundle.write(part.read() + '\n')
    bundle.flush()
    # urllib asks certifi; curl_cffi asks these variables first, whatever the machine has set them to.
    certifi.where = lambda: bundle.name
    for variable in ('SSL_CERT_FILE', 'CURL_CA_BUNDLE', 'REQUESTS_CA_BUNDLE'):
        os.environ[variable] = bundle.name

    import yt_dlp

    options = {'proxy': proxy, 'quiet': True, 'no_warnings': True, 'writesubtitles': True, 'socket_timeout': 5}
    for url in urls:
        with yt_dlp.YoutubeDL(options) as ydl:
            try:
                info = ydl.extract_info(url, download=False, process=False)
                while info.get('_type') == 'url':
                    info = ydl.extract_info(info['url'], download=False, process=False)
                wanted = ('id', 'title', 'uploader', 'view_count', 'timestamp', 'formats', 'subtitles')
                answer = {key: info.get(key) for key in wanted}
                cookies = ydl.cookiejar.get_cookies_for_url('https://v16-webapp-prime.tiktok.com/video/')
                answer['cookie'] = next((c.value for c in cookies if c.name == 'tt_chain_token'), None)
            except yt_dlp.utils.YoutubeDLError as error:
                answer = {'error': str(error)}
            print(json.dumps(answer), flush=True)
