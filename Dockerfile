# For a GPU:  docker build -t scaling-search .
# For a CPU:  docker build -t scaling-search --build-arg DEVICE=cpu --build-arg TORCH_INDEX=… .
# docs/containers.md says more, and that this file is untried.
ARG PYTHON=3.12
FROM python:${PYTHON}-slim

# cuda: torch's own wheels hold CUDA, the host needs its driver and container toolkit alone.
# cpu: the wheels without it lie on an index of their own, which pytorch.org's installation page names.
ARG DEVICE=cuda
ARG TORCH_INDEX=

ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

WORKDIR /opt/scaling-search
COPY constraints.txt ./
# Apart from the sources, so that an edit of ours does not fetch torch again.
RUN case "$DEVICE" in \
      cuda) pip install -c constraints.txt torch torchvision ;; \
      cpu)  pip install -c constraints.txt torch torchvision \
              --index-url "${TORCH_INDEX:?DEVICE=cpu needs --build-arg TORCH_INDEX}" ;; \
      *)    echo "DEVICE must be cuda or cpu, got $DEVICE" >&2; exit 1 ;; \
    esac
COPY pyproject.toml README.md LICENSE ./
COPY scaling_search ./scaling_search
RUN if [ "$DEVICE" = cuda ]; then extras=export,gpu; else extras=export; fi \
    && pip install -c constraints.txt ".[$extras]"

# Nobody needs to be root to train; runs and the cache of images lie in the volume.
RUN useradd --create-home --uid 1000 searcher && mkdir /runs && chown searcher /runs
USER searcher
ENV SCALING_SEARCH_CACHE=/runs/.cache MPLCONFIGDIR=/tmp/matplotlib
VOLUME /runs
WORKDIR /runs
STOPSIGNAL SIGTERM
ENTRYPOINT ["scaling-search"]
CMD ["--help"]
