"""Trust in an extra certificate authority, for all three HTTP clients that yt-dlp may use."""

import os
import ssl


def add(ca_file, run_dir):
    """Must run before yt-dlp is imported: its urllib, requests and curl_cffi all ask certifi for the bundle,
    some of them at import. Without certifi (a distribution's package) OpenSSL's own variable does it."""
    if not ca_file:
        return
    try:
        import certifi
    except ImportError:
        certifi = None
    system = certifi.where() if certifi else ssl.get_default_verify_paths().cafile
    combined = os.path.join(run_dir, f'ca-{os.getpid()}.pem')
    with open(combined, 'wb') as out:
        for path in filter(None, (system, ca_file)):
            with open(path, 'rb') as bundle:
                out.write(bundle.read() + b'\n')
    os.environ['SSL_CERT_FILE'] = combined
    if certifi:
        certifi.where = lambda: combined
