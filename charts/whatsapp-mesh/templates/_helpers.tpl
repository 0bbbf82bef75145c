{{/* Names and labels. "part" is the service or job that something belongs to. */}}

{{- define "mesh.name" -}}
{{ printf "%s-%s" (.root.Release.Name | trunc 40 | trimSuffix "-") .part }}
{{- end }}

{{- define "mesh.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end }}

{{- define "mesh.labels" -}}
{{ include "mesh.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "mesh.metadata" -}}
name: {{ include "mesh.name" . }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "mesh.labels" . | nindent 2 }}
{{- end }}

{{/* Metadata of what code and sidecars know by name (pubsub, claims ...): one mesh to a namespace. */}}
{{- define "mesh.daprMetadata" -}}
name: {{ .name }}
namespace: {{ .root.Release.Namespace }}
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

{{/* Metadata entries of a Dapr component; a secretKeyRef without a name means existingSecret. */}}
{{- define "mesh.connection" -}}
{{- $entries := list }}
{{- range .entries }}
{{- $entry := deepCopy . }}
{{- with $entry.secretKeyRef }}{{ $_ := set . "name" (.name | default $.root.Values.existingSecret) }}{{ end }}
{{- $entries = append $entries $entry }}
{{- end }}
{{- toYaml $entries }}
{{- end }}

{{- define "mesh.secretEnv" -}}
- name: {{ .name }}
  valueFrom: { secretKeyRef: { name: {{ .secret }}, key: {{ .key }} } }
{{- end }}
