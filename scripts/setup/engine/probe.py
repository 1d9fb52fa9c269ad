"""Prints one line of JSON about the yt-dlp that this Python imports.

Arguments: folders or zipapps to search before Python's own. Imports for real: an installed package may fail to load.
"""

import json
import os
import sys


def curl_cffi_version():
    try:
        # yt-dlp raises ImportError for a curl_cffi that it does not support.
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
    # .../yt_dlp/__init__.py in a folder or in a zipapp.
    holder = os.path.dirname(os.path.dirname(os.path.abspath(yt_dlp.__file__)))
    version_file = holder if os.path.isfile(holder) else os.path.join(holder, 'yt_dlp', 'version.py')
    curl_cffi = curl_cffi_version()
    print(json.dumps({
        'ytdlp': yt_dlp.version.__version__,
        'curlCffi': curl_cffi,
        'impersonation': curl_cffi is not None and can_impersonate(),
        'holder': holder,
        'versionFile': version_file,
    }))


try:
    main(sys.argv[1:])
except Exception as error:
    sys.exit(f'{type(error).__name__}: {error}')
