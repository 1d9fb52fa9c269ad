"""Which certificates yt-dlp's HTTP clients trust: an extra authority, for all three of them; and for curl as short a
file as will do."""

import os
import re
import ssl

# curl_cffi and requests prefer these over certifi where an operator's machine sets them.
VARIABLES = ('SSL_CERT_FILE', 'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE')

# What OpenSSL looks up in a folder: the hash of a name, and a number where several have it.
HASHED = re.compile(r'[0-9a-f]{8}\.\d+')
PEM = re.compile(rb'-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----', re.DOTALL)


def add(ca_file, run_dir):
    """Must run before yt-dlp is imported: its urllib, requests and curl_cffi ask certifi or the environment for
    the bundle, some of them at import."""
    if not ca_file:
        return
    try:
        import certifi
    except ImportError:  # a distribution's package of yt-dlp
        certifi = None
    bundles = [certifi.where() if certifi else ssl.get_default_verify_paths().cafile]
    bundles += [os.environ.get(variable) for variable in VARIABLES]
    combined = os.path.join(run_dir, f'ca-{os.getpid()}.pem')
    with open(combined, 'wb') as out:
        for path in dict.fromkeys([*filter(None, bundles), ca_file]):
            if os.path.isfile(path):
                with open(path, 'rb') as bundle:
                    out.write(bundle.read() + b'\n')
    os.environ.update(dict.fromkeys(VARIABLES, combined))
    if certifi:
        certifi.where = lambda: combined


def slim(run_dir):
    """A file of certificates for curl that leaves out those which it finds without, or None.

    curl trusts what is in its file and, beside it, what is in the folder that it was built with (/etc/ssl/certs). The
    file it reads as a whole for each connection, which takes 8 ms and 2.4 MB; in the folder it looks up the one that a
    server's certificate names. Where a system has that folder, nearly all of the file is in it.
    """
    try:
        from curl_cffi import Curl, CurlInfo
        from curl_cffi.curl import DEFAULT_CACERT
        folder = Curl().getinfo(CurlInfo.CAPATH).decode()
        names = sorted(name for name in os.listdir(folder) if HASHED.fullmatch(name))
        found = set().union(*(certificates(os.path.join(folder, name)) for name in names))
        missing = certificates(DEFAULT_CACERT) - found
        slim_file = os.path.join(run_dir, f'ca-curl-{os.getpid()}.pem')
        with open(slim_file, 'wb') as out:
            out.writelines(missing or [found.pop()])  # an empty file would be an error to curl
        return slim_file
    except (ImportError, AttributeError, KeyError, OSError):
        return None  # no such folder, or a curl_cffi that does not tell: all of the file, as ever


def certificates(path):
    with open(path, 'rb') as file:
        return {b'\n'.join(found.splitlines()) + b'\n' for found in PEM.findall(file.read())}
