"""Which browsers yt-dlp can look like, one a line. The arguments go in front of sys.path."""
import sys

sys.path[:0] = sys.argv[1:]

from yt_dlp import YoutubeDL

with YoutubeDL({'quiet': True}) as downloader:
    for target, _ in downloader._get_available_impersonate_targets():
        print(target)
