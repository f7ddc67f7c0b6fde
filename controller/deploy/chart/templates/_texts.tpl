{{/*
The texts of files/ are what `seal install` prints, so that both make the same objects. Each is for seal-system and
seal-git; here they are for the namespaces of this release, as with `seal install --namespace`.
*/}}

{{- define "seal.text" -}}
{{ .root.Files.Get (printf "files/%s.yaml" .text) | replace "seal-system" .root.Release.Namespace }}
{{- end }}

{{- define "seal.git.text" -}}
{{ .root.Files.Get (printf "files/%s.yaml" .text) | replace "seal-git" .root.Values.git.namespace }}
{{- end }}

{{- define "seal.image" -}}
{{- with .Values.image }}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{/* What no schema can say: two values that contradict each other. */}}
{{- define "seal.check" -}}
{{- if has .Release.Namespace .Values.namespaces }}
{{- fail (printf "namespaces: %s holds the keys: nothing is ever opened there" .Release.Namespace) }}
{{- end }}
{{- with .Values.git }}
{{- if .enabled }}
{{- if eq .namespace $.Release.Namespace }}
{{- fail "git.namespace: the keys and the Git sources are in one namespace; what fetches must not read keys" }}
{{- end }}
{{- range list $.Release.Namespace .namespace }}
{{- if has . $.Values.git.namespaces }}
{{- fail (printf "git.namespaces: nothing is ever applied in %s" .) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* Flags of the controller, as `seal install` gives them. */}}
{{- define "seal.args" -}}
{{- $args := list }}
{{- with .Values.namespaces }}{{ $args = append $args (printf "--namespaces=%s" (join "," .)) }}{{ end }}
{{- if .Values.allowClusterWide }}{{ $args = append $args "--allow-cluster-wide" }}{{ end }}
{{- if .Values.requireExistingKey }}{{ $args = append $args "--require-existing-key" }}{{ end }}
{{- if .Values.attachPullSecrets }}{{ $args = append $args "--attach-pull-secrets" }}{{ end }}
{{- if and .Values.git.enabled (ne .Values.git.namespace "seal-git") }}
{{- $args = append $args (printf "--git-namespace=%s" .Values.git.namespace) }}
{{- end }}
{{- concat $args .Values.extraArgs | default list | toJson }}
{{- end }}

{{/* Flags of the process of Git sources. */}}
{{- define "seal.git.args" -}}
{{- $args := list "git" }}
{{- if ne .Release.Namespace "seal-system" }}
{{- $args = append $args (printf "--controller-namespace=%s" .Release.Namespace) }}
{{- end }}
{{- if .Values.git.clusterSealedSecrets }}{{ $args = append $args "--cluster-sealed-secrets" }}{{ end }}
{{- concat $args .Values.git.extraArgs | toJson }}
{{- end }}

{{/* Where pods of both run. */}}
{{- define "seal.scheduling" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 0 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 0 }}
{{- end }}
{{- with .Values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}
