{{/* What every pod of the mesh has in common. */}}

{{- define "mesh.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 1654
  runAsGroup: 1654
  fsGroup: 1654
  seccompProfile: { type: RuntimeDefault }
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ include "mesh.text" . }}
  {{- end }}
{{- end }}
{{- with .Values.pods.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.pods.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.pods.priorityClassName }}
priorityClassName: {{ include "mesh.text" . }}
{{- end }}
{{- end }}

{{- define "mesh.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end }}

{{/* Settings of a service, for its pods and its migrate job alike: what the chart knows, then what values add. */}}
{{- define "mesh.env" -}}
{{- $own := include "mesh.ownEnv" . }}
{{- $own }}
{{- $names := list }}
{{- range fromYamlArray $own }}{{ $names = append $names (lower .name) }}{{ end }}
{{- range $name, $value := .service.env }}
{{- if has (lower $name) $names }}{{ fail (printf "services.%s.env: %s is set by the chart" $.part $name) }}{{ end }}
{{- if kindIs "map" $value }}
{{ include "mesh.secretEnv" (dict "name" $name "secret" $value.secret "key" $value.key) }}
{{- else }}
{{- /* Numbers by way of JSON: a template would write 4194304 as 4.194304e+06. */}}
- { name: {{ include "mesh.text" $name }}, value: {{ include "mesh.text" (kindIs "string" $value | ternary $value (toJson $value)) }} }
{{- end }}
{{- end }}
{{- end }}

{{- define "mesh.ownEnv" -}}
{{- $values := .root.Values }}
- { name: BIND_ADDRESS, value: "0.0.0.0" }
- { name: APP_PORT, value: "5000" }
- { name: HTTP_PORT, value: "8080" }
{{ include "mesh.secretEnv" (dict "name" "DAPR_API_TOKEN" "secret" $values.dapr.apiTokenSecret "key" "token") }}
{{ include "mesh.secretEnv" (dict "name" "APP_API_TOKEN" "secret" $values.dapr.appTokenSecret "key" "token") }}
{{- if .facts.database }}
{{ include "mesh.secretEnv" (dict "name" "ConnectionStrings__Database" "secret" $values.existingSecret "key" (printf "%s-database" .part)) }}
- { name: Database__MigrateAtStart, value: {{ include "mesh.text" (not $values.migrations.job) }} }
{{- end }}
{{- if .facts.internalToken }}
{{ include "mesh.secretEnv" (dict "name" "Mesh__InternalToken" "secret" $values.existingSecret "key" "internal-token") }}
{{- if $values.minimisation.tenants }}
{{ include "mesh.secretEnv" (dict "name" "Mesh__Minimisation__Key" "secret" $values.existingSecret "key" "minimisation-key") }}
{{- range $index, $tenant := $values.minimisation.tenants }}
- { name: Mesh__Minimisation__Tenants__{{ $index }}, value: {{ include "mesh.text" $tenant }} }
{{- end }}
{{- end }}
{{- end }}
{{- if .facts.direct }}
{{- $ingest := include "mesh.name" (dict "root" .root "part" "ingest") }}
- { name: Edge__Ingest__Address, value: {{ include "mesh.text" (printf "http://%s:8080" $ingest) }} }
{{- end }}
{{- if .facts.public }}
- { name: Edge__SourcesFile, value: /etc/whatsapp-mesh/senders.json }
{{- end }}
{{- if .facts.broker }}
- { name: WHATSAPP_MODE, value: {{ include "mesh.text" $values.broker.mode }} }
- { name: Dispatch__Sending__Idempotency, value: {{ include "mesh.text" $values.broker.idempotency }} }
{{- range $index, $instance := $values.broker.instances }}
- { name: Dispatch__Instances__{{ $index }}__Id, value: {{ include "mesh.text" $instance.id }} }
- { name: Dispatch__Instances__{{ $index }}__Tenant, value: {{ include "mesh.text" $instance.tenant }} }
{{- end }}
{{- end }}
{{- with $values.telemetry.otlpEndpoint }}
- { name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ include "mesh.text" . }} }
# Sent or scraped, never both: they would be counted twice.
- { name: OTEL_METRICS_EXPORTER, value: {{ include "mesh.text" ($values.telemetry.monitor.enabled | ternary "none" "otlp") }} }
{{- end }}
{{- end }}

{{/* What the chart says to the injector, then what values add. */}}
{{- define "mesh.daprAnnotations" -}}
{{- $own := include "mesh.ownDaprAnnotations" . }}
{{- $own }}
{{- range $name, $value := .root.Values.dapr.annotations }}
{{- if hasKey (fromYaml $own) $name }}{{ fail (printf "dapr.annotations: %s is set by the chart" $name) }}{{ end }}
{{ include "mesh.text" $name }}: {{ include "mesh.text" $value }}
{{- end }}
{{- end }}

{{- define "mesh.ownDaprAnnotations" -}}
{{- $dapr := .root.Values.dapr }}
dapr.io/enabled: "true"
dapr.io/app-id: {{ include "mesh.text" .part }}
dapr.io/app-port: "5000"
# HTTP/2 on one cleartext port: gRPC, deliveries and invoked methods alike.
dapr.io/app-protocol: h2c
dapr.io/config: {{ include "mesh.text" (include "mesh.name" .) }}
dapr.io/api-token-secret: {{ include "mesh.text" $dapr.apiTokenSecret }}
dapr.io/app-token-secret: {{ include "mesh.text" $dapr.appTokenSecret }}
dapr.io/max-body-size: {{ include "mesh.text" $dapr.maxBodySize }}
dapr.io/log-level: {{ include "mesh.text" $dapr.logLevel }}
dapr.io/log-as-json: "true"
dapr.io/enable-metrics: "true"
dapr.io/metrics-port: "9090"
dapr.io/sidecar-cpu-request: {{ include "mesh.text" (include "mesh.quantity" $dapr.sidecar.requests.cpu) }}
dapr.io/sidecar-memory-request: {{ include "mesh.text" (include "mesh.quantity" $dapr.sidecar.requests.memory) }}
dapr.io/sidecar-memory-limit: {{ include "mesh.text" (include "mesh.quantity" $dapr.sidecar.limits.memory) }}
dapr.io/block-shutdown-duration: {{ include "mesh.text" (printf "%ds" (int $dapr.blockShutdownSeconds)) }}
dapr.io/graceful-shutdown-seconds: {{ include "mesh.text" (int $dapr.gracefulShutdownSeconds) }}
# A paused subscription acknowledges what is in flight: with app health checks on, restarts lose events.
dapr.io/enable-app-health-check: "false"
# Nobody needs to read Secrets over the API: what a sidecar needs is handed to it.
dapr.io/disable-builtin-k8s-secret-store: "true"
{{- if and .facts.broker (eq .root.Values.broker.mode "http") .root.Values.broker.apiKeySecretKey }}
{{- $key := printf "%s:%s" .root.Values.existingSecret .root.Values.broker.apiKeySecretKey }}
dapr.io/env-from-secret: {{ include "mesh.text" (printf "WHATSAPP_BROKER_API_KEY=%s" $key) }}
{{- end }}
{{- end }}

{{/* An amount as an annotation has it: text, without an exponent. */}}
{{- define "mesh.quantity" -}}
{{- kindIs "string" . | ternary . (toJson .) }}
{{- end }}

{{/* Changes with everything a sidecar reads only when it starts. */}}
{{- define "mesh.daprChecksum" -}}
{{- $all := "" }}
{{- range list "pubsub" "claims" "broker" "configuration" "resiliency" "secretstore" "subscriptions" }}
{{- $all = print $all (include (printf "%s/dapr-%s.yaml" $.Template.BasePath .) $) }}
{{- end }}
{{- sha256sum $all }}
{{- end }}
