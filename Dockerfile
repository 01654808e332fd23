# The commands alone, for pictures on the CPU; docs/commands.md says how to build and run it.
# TORCH names the build of PyTorch as uv's --torch-backend does. `cpu` comes from PyTorch's own
# index; with `--build-arg TORCH=` the ordinary index is enough, which for x86-64 has none but the
# build for CUDA, 4 GB larger.
FROM python:3.12-slim AS build
ARG TORCH=cpu
RUN pip install --no-cache-dir uv==0.13.9
WORKDIR /source
COPY pyproject.toml requirements.txt README.md LICENSE ./
COPY src src
RUN uv build --wheel --out-dir wheel \
    && uv venv /opt/srgan-ab \
    && uv pip install --no-cache --compile-bytecode --python /opt/srgan-ab/bin/python \
      ${TORCH:+--torch-backend "$TORCH"} --constraint requirements.txt wheel/*.whl

FROM python:3.12-slim
RUN useradd --create-home --uid 1000 srgan
COPY --from=build /opt/srgan-ab /opt/srgan-ab
ENV PATH=/opt/srgan-ab/bin:$PATH
USER 1000
WORKDIR /pictures
ENTRYPOINT ["srgan-ab"]
CMD ["--help"]
