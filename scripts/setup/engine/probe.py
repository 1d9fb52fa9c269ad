"""Prints, as one line of JSON, which yt-dlp this Python can import and what it can do.

Arguments: folders or zipapps to look in before Python's own places. Imports for real: a package that is there but
does not load is as good as none.
"""

import json
import os
import sys


def curl_cffi_version():
    try:
        # yt-dlp raises ImportError for a curl_cffi that it cannot work with.
        from yt_dlp.networking import _curlcffi  # noqa: F401
        import curl_cffi
        return curl_cffi.__version__
    except Exception:
        return None


def can_impersonate():
    import yt_dlp
    with yt_dlp.YoutubeDL({'quiet': True, 'no_warnings': True}) as ydl:
        return any(handler == 'curl_cffi' for _, handler in ydl._get_available_impersonate_targets())


def main(paths):
    own = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = paths + [path for path in sys.path if path and os.path.abspath(path) != own]
    import yt_dlp
    import yt_dlp.version
    # .../yt_dlp/__init__.py in a folder or in a zipapp: what holds the package is two levels up.
    holder = os.path.dirname(os.path.dirname(os.path.abspath(yt_dlp.__file__)))
    version_file = holder if os.path.isfile(holder) else os.path.join(holder, 'yt_dlp', 'version.py')
    curl_cffi = curl_cffi_version()
    facts = {
        'ytdlp': yt_dlp.version.__version__,
        'curlCffi': curl_cffi,
        'impersonation': curl_cffi is not None and can_impersonate(),
        'holder': holder,
        'versionFile': version_file,
    }
    print(json.dumps(facts))


try:
    main(sys.argv[1:])
except Exception as error:
    sys.exit(f'{type(error).__name__}: {error}')
