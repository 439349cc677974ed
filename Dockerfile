# wirelint scans what is mounted at /work: docker run --rm -v "$PWD:/work" wirelint scan fixtures
FROM rust:1-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked --bin wirelint

FROM debian:bookworm-slim
# For --filter and live; everything else does without.
RUN apt-get update && apt-get install -y --no-install-recommends libpcap0.8 && rm -rf /var/lib/apt/lists/*
COPY --from=build /src/target/release/wirelint /usr/bin/wirelint
USER 65534:65534
WORKDIR /work
ENTRYPOINT ["/usr/bin/wirelint"]
CMD ["--help"]
