{{/* Rules of validate.yaml. Each renders nothing, or fails before anything is made, hooks included. */}}

{{/* Services are named by the release, and a Service's name is a DNS label that begins with a letter; helm takes more than that. */}}
{{- define "mesh.validateRelease" }}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" .Release.Name) }}
{{- $rule := "give one of small letters, digits and '-' that begins with a letter and has no dots" }}
{{- fail (printf "the release name %q becomes part of the names of Services: %s" .Release.Name $rule) }}
{{- end }}
{{- end }}

{{- define "mesh.validateServices" }}
{{- range $name, $service := .Values.services }}
{{- $scaled := $service.autoscaling.enabled }}
{{- if lt (int $service.autoscaling.maxReplicas) (int $service.autoscaling.minReplicas) }}
{{- fail (printf "services.%s.autoscaling: maxReplicas is below minReplicas" $name) }}
{{- end }}
{{- include "mesh.validateMemory" (dict "where" (printf "services.%s.resources" $name) "resources" $service.resources) }}
{{- $pods := int ($scaled | ternary $service.autoscaling.minReplicas $service.replicas) }}
{{- /* With no pods there is nothing to take away: a service that is stopped for a while keeps its other values. */}}
{{- if and (gt $pods 0) (gt (int $service.disruption.maxUnavailable) $pods) }}
{{- $which := $scaled | ternary "autoscaling.minReplicas" "replicas" }}
{{- fail (printf "services.%s.disruption.maxUnavailable: %d is more than the %d pods of %s" $name (int $service.disruption.maxUnavailable) $pods $which) }}
{{- end }}
{{- end }}
{{- end }}

{{/* The API server takes no pod that is promised more than it may have. */}}
{{- define "mesh.validateMemory" }}
{{- $most := include "mesh.bytes" .resources.limits.memory | float64 }}
{{- if gt (include "mesh.bytes" .resources.requests.memory | float64) $most }}
{{- fail (printf "%s: requests.memory is above limits.memory" .where) }}
{{- end }}
{{- end }}

{{- define "mesh.bytes" -}}
{{- $text := include "mesh.quantity" . }}
{{- $units := dict "" 1.0 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "Ki" 1024.0 "Mi" 1048576.0 "Gi" 1073741824.0 "Ti" 1099511627776.0 }}
{{- mulf (regexFind "^[0-9.]+" $text | float64) (get $units (regexFind "[A-Za-z]*$" $text)) }}
{{- end }}

{{/* Metadata of a component: no name twice, and, where there must be one, one of the entries that say how it is reached. */}}
{{- define "mesh.validateConnection" }}
{{- $names := list }}
{{- range .entries }}
{{- if has (lower .name) $names }}{{ fail (printf "%s: %s stands there twice" $.where .name) }}{{ end }}
{{- $names = append $names (lower .name) }}
{{- end }}
{{- if .reach }}
{{- $reached := false }}
{{- range .entries }}
{{- $entry := . }}
{{- range $.reach }}
{{- if and (eq (lower $entry.name) (lower .)) (or $entry.value $entry.secretKeyRef) }}{{ $reached = true }}{{ end }}
{{- end }}
{{- end }}
{{- if not $reached }}{{ fail (printf "%s: %s is missing" .where (join " or " .reach)) }}{{ end }}
{{- end }}
{{- range .entries }}
{{- if and .value (has (lower .name) (list "brokers" "redishost" "hostname")) }}
{{- $port := eq (lower .name) "hostname" | ternary "(:[0-9]{1,5})?" ":[0-9]{1,5}" }}
{{- range $one := splitList "," .value }}
{{- if not (regexMatch (printf "^([A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?|[[][0-9a-fA-F:]+[]])%s$" $port) (trim $one)) }}
{{- fail (printf "%s: %q is no host and port (no scheme, no path)" $.where (trim $one)) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* Edge takes no list of senders in which a name stands twice. */}}
{{- define "mesh.validateSenders" }}
{{- range $list, $entries := .Values.senders }}
{{- $names := list }}
{{- range $entries }}
{{- if has .name $names }}{{ fail (printf "senders.%s: the name %s is given twice" $list .name) }}{{ end }}
{{- $names = append $names .name }}
{{- end }}
{{- end }}
{{- end }}
