"""Makes wheels again of what is installed, so that tests can have pip install a yt-dlp of their own, without an index.

Arguments: site-packages, target folder, version for yt-dlp, JSON of {file in yt_dlp: text to put behind it}, JSON of
{other package: version} to offer besides what is installed. A file name with a leading `^` gets the text in front.
"""

import json
import os
import sys
import zipfile


def files_of(packages, info):
    with open(os.path.join(packages, info, 'RECORD')) as record:
        for line in record:
            name = line.rsplit(',', 2)[0].strip('"')
            if not name.startswith(('..', 'bin/')) and os.path.isfile(os.path.join(packages, name)):
                yield name


def tag_of(packages, info):
    with open(os.path.join(packages, info, 'WHEEL')) as wheel:
        return next(line.split(':')[1].strip() for line in wheel if line.startswith('Tag:'))


def pack(packages, info, target, version, patches):
    name, old = info.removesuffix('.dist-info').rsplit('-', 1)
    version = version or old
    new_info = f'{name}-{version}.dist-info'
    path = os.path.join(target, f'{name}-{version}-{tag_of(packages, info)}.whl')
    with zipfile.ZipFile(path, 'w') as wheel:
        names = []
        for file in files_of(packages, info):
            if os.path.basename(file) in ('RECORD', 'INSTALLER', 'REQUESTED', 'direct_url.json'):
                continue
            with open(os.path.join(packages, file), 'rb') as source:
                content = source.read()
            if file == f'{info}/METADATA':
                content = content.replace(f'Version: {old}'.encode(), f'Version: {version}'.encode(), 1)
            before = patches.get('^' + file.removeprefix('yt_dlp/'), '')
            after = patches.get(file.removeprefix('yt_dlp/'), '')
            place = file.replace(info, new_info, 1)
            wheel.writestr(place, before.encode() + content + after.encode())
            names.append(place)
        wheel.writestr(f'{new_info}/RECORD', ''.join(f'{one},,\n' for one in [*names, f'{new_info}/RECORD']))


def main(packages, target, version, patches, others='{}'):
    os.makedirs(target, exist_ok=True)
    others = json.loads(others)
    for info in os.listdir(packages):
        if info.endswith('.dist-info'):
            name = info.split('-')[0]
            ours = name == 'yt_dlp'
            pack(packages, info, target, version if ours else None, json.loads(patches) if ours else {})
            if name in others:
                pack(packages, info, target, others[name], {})


main(*sys.argv[1:])
