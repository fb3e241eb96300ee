# One file for every image: UNIT says which (services/accounts, gateway, portal, deploy/allinone, …).
# Built and tested on python:3.13-slim, which is the default, and on python:3.11-slim too.
#   docker build --build-arg UNIT=services/accounts -t carport/accounts .
ARG PYTHON=3.13

# ---- What is built once for all images and is in none of them -----------------------------------
FROM python:${PYTHON}-slim AS locked
# Every locked package as a wheel whose hash was checked. Where packages come from is pip's own
# configuration; a machine that needs one gives it as the secret "pip".
WORKDIR /build
ENV PIP_CACHE_DIR=/var/cache/pip PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
COPY requirements/run.txt ./
RUN --mount=type=cache,target=/var/cache/pip --mount=type=secret,id=pip,target=/etc/pip.conf \
    python -m pip download -q --only-binary :all: --no-deps --require-hashes -r run.txt -d /locked

FROM locked AS units
# Every unit as a wheel.
RUN python -m venv tools && tools/bin/pip install -q --no-index --find-links /locked hatchling
COPY shared shared
COPY services services
COPY gateway gateway
COPY portal portal
COPY deploy/allinone deploy/allinone
RUN for unit in shared services/* gateway portal deploy/allinone; do \
    tools/bin/pip wheel -q --no-deps --no-index --no-build-isolation -w /units "./$unit" || exit 1; done

# ---- The image ----------------------------------------------------------------------------------
FROM python:${PYTHON}-slim AS runtime
# The packages that all units need: one layer, the same in every image.
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_NO_CACHE_DIR=1
COPY shared/pyproject.toml /tmp/shared.toml
RUN --mount=type=bind,from=locked,source=/locked,target=/locked \
    python -m venv --without-pip /opt/carport \
    && python -c "import tomllib; print(*tomllib.load(open('/tmp/shared.toml', 'rb'))['project']['dependencies'], sep='\n')" > /tmp/shared.txt \
    && python -m pip --python /opt/carport/bin/python install -q --no-index --find-links /locked -r /tmp/shared.txt \
    && rm /tmp/shared.*

FROM runtime
ARG UNIT
LABEL org.opencontainers.image.title="Carport: ${UNIT}" \
    org.opencontainers.image.description="Vehicle-finance servicing suite" \
    org.opencontainers.image.licenses="Apache-2.0"
COPY deploy/compose/healthy /opt/carport/bin/healthy
# The unit with what it asks for and nothing else; then the installer goes.
RUN --mount=type=bind,from=locked,source=/locked,target=/locked \
    --mount=type=bind,from=units,source=/units,target=/units \
    unit="${UNIT##*/}" && role=web && if [ "$unit" = allinone ]; then role=up; fi \
    && python -m pip --python /opt/carport/bin/python install -q --no-index \
    --find-links /locked --find-links /units "carport-$unit[distributed]" "carport-shared[tracing]" \
    && printf '#!/bin/sh\nexec python -m carport.%s "${@:-%s}"\n' "$unit" "$role" > /opt/carport/bin/unit \
    && chmod 755 /opt/carport/bin/unit \
    && install -d -o 10001 -g 10001 -m 700 /var/lib/carport \
    && rm -rf /usr/bin/pip* /usr/lib/python3/dist-packages/pip* \
    /usr/local/bin/pip* /usr/local/lib/python3*/site-packages/pip*
# Two arenas for all threads, and large blocks (the hashing of passwords) given back at once.
ENV PATH=/opt/carport/bin:$PATH \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=1048576 \
    CARPORT_HOST=0.0.0.0 CARPORT_PORT=8080 PORT=8080 CARPORT_HOME=/var/lib/carport
WORKDIR /var/lib/carport
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=4s --start-period=60s --retries=3 CMD ["healthy"]
ENTRYPOINT ["unit"]
