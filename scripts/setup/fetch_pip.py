"""Downloads pip's wheel for a Python without pip, and prints its path.

Uses PIP_INDEX_URL, the JSON form of the simple API (PEP 691), and urllib, which follows the same proxy and certificate
settings as pip. The file is checked against the hash in the index.
"""

import hashlib
import json
import os
import re
import sys
import urllib.parse
import urllib.request

LIMIT_SECONDS = 10


def version_of(name):
    parts = name.split("-")[1].split(".")
    return tuple(int(part) for part in parts) if all(part.isdigit() for part in parts) else ()


def supports_this_python(file):
    oldest = re.search(r">=\s*3\.(\d+)", file.get("requires-python") or "")
    return not oldest or sys.version_info[1] >= int(oldest.group(1))


def main(folder):
    index = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple").rstrip("/") + "/pip/"
    request = urllib.request.Request(index, headers={"Accept": "application/vnd.pypi.simple.v1+json"})
    with urllib.request.urlopen(request, timeout=LIMIT_SECONDS) as response:
        files = json.load(response)["files"]
    wheels = [file for file in files if file["filename"].endswith("-py3-none-any.whl") and not file.get("yanked")]
    newest = max(filter(supports_this_python, wheels), key=lambda file: version_of(file["filename"]))
    with urllib.request.urlopen(urllib.parse.urljoin(index, newest["url"]), timeout=LIMIT_SECONDS) as response:
        content = response.read()
    if hashlib.sha256(content).hexdigest() != newest["hashes"]["sha256"]:
        sys.exit("pip's wheel does not match its hash")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, newest["filename"])
    with open(path, "wb") as file:
        file.write(content)
    print(path)


try:
    main(sys.argv[1])
except (OSError, ValueError, KeyError) as error:
    sys.exit(f"pip is missing and could not be fetched: {error}")
