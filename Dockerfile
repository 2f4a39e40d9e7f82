# The light part alone: a bundle answers without torch.
#   docker build -t roadworthy .
#   docker run --rm -v "$PWD:/work" roadworthy predict photo.jpg
FROM python:3.12-slim
COPY . /src
RUN pip install --no-cache-dir --constraint /src/constraints.txt /src && rm -rf /src
RUN useradd --create-home --uid 1000 driver
USER 1000
WORKDIR /work
ENTRYPOINT ["roadworthy"]
CMD ["--help"]
