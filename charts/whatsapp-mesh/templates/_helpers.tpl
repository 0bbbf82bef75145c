{{/* A text as YAML has it: in quotes, whatever it looks like (1234567, true, 1e3, y). Every name, value and address is written by it. */}}
{{- define "mesh.text" -}}
{{ . | toString | quote }}
{{- end }}

{{/* Names and labels. "part" is the service or job that something belongs to. */}}

{{- define "mesh.name" -}}
{{ printf "%s-%s" (.root.Release.Name | trunc 40 | trimSuffix "-") .part }}
{{- end }}

{{- define "mesh.selector" -}}
app.kubernetes.io/name: {{ include "mesh.text" .root.Chart.Name }}
app.kubernetes.io/instance: {{ include "mesh.text" .root.Release.Name }}
app.kubernetes.io/component: {{ include "mesh.text" .part }}
{{- end }}

{{- define "mesh.labels" -}}
{{ include "mesh.selector" . }}
app.kubernetes.io/version: {{ include "mesh.text" .root.Chart.AppVersion }}
app.kubernetes.io/managed-by: {{ include "mesh.text" .root.Release.Service }}
helm.sh/chart: {{ include "mesh.text" (printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_") }}
{{- end }}

{{- define "mesh.metadata" -}}
name: {{ include "mesh.text" (include "mesh.name" .) }}
namespace: {{ include "mesh.text" .root.Release.Namespace }}
labels:
  {{- include "mesh.labels" . | nindent 2 }}
{{- end }}

{{/* Metadata of what code and sidecars know by name (pubsub, claims ...): one mesh to a namespace. */}}
{{- define "mesh.daprMetadata" -}}
name: {{ include "mesh.text" .name }}
namespace: {{ include "mesh.text" .root.Release.Namespace }}
labels:
  {{- include "mesh.labels" (dict "root" .root "part" "dapr") | nindent 2 }}
{{- end }}

{{/* map.yaml's services that have a property, as a list: include "mesh.having" (dict "root" $ "property" "consumes") | fromYamlArray */}}
{{- define "mesh.having" -}}
{{- $names := list }}
{{- range $name, $facts := (.root.Files.Get "map.yaml" | fromYaml).services }}
{{- if get $facts $.property }}{{ $names = append $names $name }}{{ end }}
{{- end }}
{{- toYaml $names }}
{{- end }}

{{- define "mesh.image" -}}
{{- $repository := printf "%s%s" (empty .root.Values.image.registry | ternary "" (printf "%s/" .root.Values.image.registry)) .image.repository }}
{{- if .image.digest }}
{{- printf "%s@%s" $repository .image.digest }}
{{- else }}
{{- printf "%s:%s" $repository (.image.tag | default .root.Values.image.tag | default .root.Chart.AppVersion) }}
{{- end }}
{{- end }}

{{/* An operation as access control must name it. Of a callee that speaks h2c a sidecar lower-cases what its policies name, and compares a gRPC
method as it is: each capital becomes a wildcard, which both spellings fit (ADR 0027). */}}
{{- define "mesh.operation" -}}
{{- regexReplaceAll "[A-Z]" . "*" }}
{{- end }}

{{/* Metadata entries of a Dapr component; a secretKeyRef without a name means existingSecret. A sidecar does not tell small letters from
capitals in names, so neither does what must not be set: "fixed" (name: value) and "refused" (name: reason). "reach": one of these is there. */}}
{{- define "mesh.connection" -}}
{{- $entries := list }}
{{- range .entries }}
{{- $name := lower .name }}
{{- range $fixed, $value := $.fixed }}
{{- if eq $name (lower $fixed) }}{{ fail (printf "%s: %s is fixed (%s)" $.where $fixed $value) }}{{ end }}
{{- end }}
{{- range $refused, $reason := $.refused }}
{{- if eq $name (lower $refused) }}{{ fail (printf "%s: %s may not be set: %s" $.where $refused $reason) }}{{ end }}
{{- end }}
{{- $entry := deepCopy . }}
{{- with $entry.secretKeyRef }}{{ $_ := set . "name" (.name | default $.root.Values.existingSecret) }}{{ end }}
{{- $entries = append $entries $entry }}
{{- end }}
{{- include "mesh.validateConnection" . }}
{{- toYaml $entries }}
{{- end }}

{{/* The value of one entry, empty when there is none or it is a secret: include "mesh.connectionValue" (dict "entries" LIST "name" NAME) */}}
{{- define "mesh.connectionValue" -}}
{{- range .entries }}
{{- if eq (lower .name) (lower $.name) }}{{ .value | default "" }}{{ end }}
{{- end }}
{{- end }}

{{/* Ports of a hop, as a list: its own, else those that the configured addresses name (parted by commas), else the usual ones. */}}
{{- define "mesh.ports" -}}
{{- $ports := list }}
{{- range .hop.ports }}{{ $ports = append $ports (int .) }}{{ end }}
{{- if not $ports }}
{{- range splitList "," (.addresses | default "") }}
{{- with regexFind ":[0-9]+(/|$)" (trim .) }}{{ $ports = append $ports (regexFind "[0-9]+" . | int) }}{{ end }}
{{- end }}
{{- end }}
{{- toYaml ($ports | default .usual | uniq) }}
{{- end }}

{{/* The usual port of an http(s) address. */}}
{{- define "mesh.httpPort" -}}
{{- hasPrefix "http://" . | ternary 80 443 }}
{{- end }}

{{/* What Dapr's operator says its version is, when it may be asked and says a number. */}}
{{- define "mesh.daprVersion" -}}
{{- if .Values.dapr.checkVersion }}
{{- $operator := lookup "apps/v1" "Deployment" .Values.dapr.namespace "dapr-operator" }}
{{- regexFind "^v?[0-9]+[.][0-9]+[.][0-9]+.*" (dig "metadata" "labels" "app.kubernetes.io/version" "" ($operator | default dict)) }}
{{- end }}
{{- end }}

{{- define "mesh.secretEnv" -}}
- name: {{ include "mesh.text" .name }}
  valueFrom: { secretKeyRef: { name: {{ include "mesh.text" .secret }}, key: {{ include "mesh.text" .key }} } }
{{- end }}
