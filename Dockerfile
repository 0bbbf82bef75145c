# syntax=docker/dockerfile:1
# One image per service: docker build --build-arg SERVICE=ingest -t whatsapp-mesh/ingest .
# SERVICE is a folder of services/.

FROM --platform=$BUILDPLATFORM mcr.microsoft.com/dotnet/sdk:10.0 AS build
ARG SERVICE
ARG TARGETARCH
ENV DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
WORKDIR /src

# Restored in a layer of its own: it changes with project files only, not with every edit.
COPY global.json Directory.*.props Directory.*.targets ./
COPY --parents protos/*.csproj standins/**/*.csproj standins/**/*.props libs/**/*.csproj libs/*.props services/**/*.csproj services/*.props ./
RUN test -d "services/$SERVICE" || { echo "SERVICE must name a folder of services/, not '$SERVICE'" >&2; exit 1; } \
    && dotnet restore "services/$SERVICE" --arch "${TARGETARCH:-amd64}" -p:PublishReadyToRun=true

COPY protos protos
COPY standins standins
COPY libs libs
COPY services services
# The name of the program differs from service to service; in the image it is always "service".
RUN dotnet publish "services/$SERVICE" --no-restore --arch "${TARGETARCH:-amd64}" --self-contained false \
        -c Release -o /out -p:PublishReadyToRun=true -p:UseAppHost=true \
    && program=$(find /out -maxdepth 1 -name 'WhatsAppMesh.*.runtimeconfig.json' -printf '%f\n' | sed 's/\.runtimeconfig\.json$//') \
    && ln -s "$program" /out/service

# Chiselled: no shell, no package manager, not root.
FROM mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled AS service
WORKDIR /app
COPY --from=build /out ./
ENV BIND_ADDRESS=0.0.0.0 \
    APP_PORT=5000 \
    HTTP_PORT=8080 \
    DOTNET_EnableDiagnostics=0
EXPOSE 5000 8080
USER $APP_UID
ENTRYPOINT ["/app/service"]
