# syntax=docker/dockerfile:1
# One image per service: docker build --build-arg SERVICE=ingest -t whatsapp-mesh/ingest .
# SERVICE is the name of a folder in services/.

FROM --platform=$BUILDPLATFORM mcr.microsoft.com/dotnet/sdk:10.0 AS build
ARG SERVICE
ARG TARGETARCH=amd64
ENV DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
WORKDIR /src
COPY . .
# The program is named for its service; the link gives the image one entry point whatever the service.
RUN --mount=type=cache,target=/root/.nuget/packages \
    test -n "$SERVICE" && test -d "services/$SERVICE" || { echo "SERVICE must name a folder of services/, not '$SERVICE'" >&2; exit 1; }; \
    dotnet publish "services/$SERVICE" -c Release -o /out --arch "$TARGETARCH" --self-contained false -p:PublishReadyToRun=true \
    && ln -s "$(basename /out/WhatsAppMesh.*.runtimeconfig.json .runtimeconfig.json)" /out/service

# Chiselled: no shell, no package manager, not root.
FROM mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled
WORKDIR /app
COPY --from=build /out ./
ENV BIND_ADDRESS=0.0.0.0 \
    APP_PORT=5000 \
    HTTP_PORT=8080
EXPOSE 5000 8080
USER $APP_UID
ENTRYPOINT ["/app/service"]
