# The service with its dependencies: Node, yt-dlp in a virtual environment, ffmpeg.
#
#   docker build -t tiktok-downloader-service .
#   docker run --read-only --tmpfs /app/temp:uid=1000,gid=1000,mode=0700 -e ENCRYPTION_KEY=... -e BASE_URL=... \
#     -p 3021:3021 tiktok-downloader-service
#
# With a volume on /app/engines, yt-dlp can be updated without a new image: -v engines:/app/engines
#
# scripts/check-image.sh builds and tests it without Docker.
ARG NODE_IMAGE=docker.io/library/node:24.21.0-trixie-slim

# Compiled code, and the part of node_modules that production needs.
FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --include=dev --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/setup scripts/setup
COPY src src
RUN node --input-type=module -e "import { build } from '/app/scripts/setup/build.mjs'; await build('/app')" \
  && npm prune --omit=dev --no-audit --no-fund \
  && find node_modules -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' | xargs rm -f \
  && rm -rf node_modules/fluent-ffmpeg/coverage

FROM ${NODE_IMAGE} AS system
RUN apt-get update \
  && apt-get install -y --no-install-recommends ca-certificates python3 \
  && apt-get clean && rm -rf /var/lib/apt/lists/*

# The same set-up as on a bare machine; only the pinned yt-dlp with browser impersonation is accepted here.
FROM system AS engine
WORKDIR /app
COPY package.json ./
COPY scripts/setup scripts/setup
COPY src/engine/store.mjs src/engine/versions.mjs src/engine/
RUN node --input-type=module -e "import { installEngine } from '/app/scripts/setup/engine.mjs'; await installEngine('/app')" \
  && grep -q '"source": "pypi-pinned"' .engine/current/engine.json \
  && grep -q '"impersonation": true' .engine/current/engine.json

FROM system AS runtime
# Debian's ffmpeg depends on SDL and Mesa, whose software renderer (LLVM, 170 MB) is only loaded to open a window. dpkg
# omits those files and still lists the packages, for scanners and for apt.
RUN printf 'path-exclude=/usr/lib/*/%s\n' 'libLLVM*' 'libgallium*' 'dri/*' 'libz3*' > /etc/dpkg/dpkg.cfg.d/no-window-system \
  && apt-get update \
  && apt-get install -y --no-install-recommends ffmpeg tini \
  && apt-get clean && rm -rf /var/lib/apt/lists/* \
  && ffmpeg -hide_banner -loglevel error -encoders | grep -q libmp3lame

WORKDIR /app
COPY --from=engine /app/.engine .engine
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
# For `npm run engine:update`, `engine:rollback`, `doctor` and `keys`.
COPY scripts/serve.sh scripts/setup.mjs scripts/engine.mjs scripts/doctor.mjs scripts/keys.mjs scripts/
COPY scripts/setup scripts/setup
COPY scripts/engine scripts/engine
COPY scripts/doctor scripts/doctor
COPY package.json LICENSE ./
# Everything else in /app belongs to root: the service cannot change its own code or the image's yt-dlp. A new volume on
# `engines` inherits its owner.
RUN install -d -o 1000 -g 1000 -m 0700 temp engines && install -d -m 0755 cookies

LABEL org.opencontainers.image.title="tiktok-downloader-service" \
  org.opencontainers.image.description="TikTok and Douyin downloader service: post metadata, expiring encrypted links, media relay, slideshows" \
  org.opencontainers.image.licenses="MIT" \
  org.opencontainers.image.base.name="docker.io/library/node:24.21.0-trixie-slim"

# With NODE_ENV=production the service does not start without an ENCRYPTION_KEY. Only inside the container: MANAGEMENT_PORT.
ENV NODE_ENV=production \
  TEMP_DIR=/app/temp \
  ENGINE_DIR=/app/engines \
  NPM_CONFIG_UPDATE_NOTIFIER=false \
  PORT=3021 \
  MANAGEMENT_PORT=3022
# A number, so that Kubernetes can check that it is not root; the node image calls it "node".
USER 1000:1000
EXPOSE 3021
# After SIGTERM, requests in progress may finish within SHUTDOWN_GRACE (30 s): `docker stop --time` must be longer.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.MANAGEMENT_PORT || process.env.PORT}/health/ready`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# tini reaps the orphans of a yt-dlp host that was killed, and forwards signals.
ENTRYPOINT ["tini", "--"]
CMD ["sh", "scripts/serve.sh"]
