"""Adds the operator's certificate authority to what yt-dlp's HTTP clients trust."""

import os
import ssl

# curl_cffi and requests prefer these over certifi where an operator's machine sets them.
VARIABLES = ('SSL_CERT_FILE', 'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE')


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
