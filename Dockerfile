# syntax=docker/dockerfile:1
# One file for every image: docker build --build-arg PROJECT=services/ingest --build-arg VERSION=0.1.0 -t whatsapp-mesh/ingest:0.1.0 .
# PROJECT is a folder of services/, or tools/collector. A release pins both bases by digest: pass SDK_IMAGE and RUNTIME_IMAGE as
# repository@sha256:... (docs/kubernetes.md, "Build the images").
ARG SDK_IMAGE=mcr.microsoft.com/dotnet/sdk:10.0
ARG RUNTIME_IMAGE=mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled

FROM --platform=$BUILDPLATFORM ${SDK_IMAGE} AS build
ARG PROJECT
ARG TARGETARCH=amd64
ENV DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
WORKDIR /src
COPY . .
# The program is named for its project; the link gives the image one entry point whatever the project.
RUN --mount=type=cache,target=/root/.nuget/packages \
    test -n "$PROJECT" && test -d "$PROJECT" || { echo "PROJECT must name a folder such as services/edge, not '$PROJECT'" >&2; exit 1; }; \
    dotnet publish "$PROJECT" -c Release -o /out --arch "$TARGETARCH" --self-contained false -p:PublishReadyToRun=true -p:RestoreLockedMode=true \
    && ln -s "$(basename /out/WhatsAppMesh.*.runtimeconfig.json .runtimeconfig.json)" /out/service

# Chiselled: no shell, no package manager, not root.
FROM ${RUNTIME_IMAGE}
ARG PROJECT
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="whatsapp-mesh $PROJECT" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
WORKDIR /app
COPY --from=build /out ./
# PGGSSENCMODE: there is no Kerberos library in here, and Npgsql would look for it at every new connection. A connection string may say otherwise.
ENV BIND_ADDRESS=0.0.0.0 \
    APP_PORT=5000 \
    HTTP_PORT=8080 \
    PGGSSENCMODE=Disable
EXPOSE 5000 8080
USER $APP_UID
ENTRYPOINT ["/app/service"]
