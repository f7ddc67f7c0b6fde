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
{{- if .digest }}
{{- printf "%s%s@%s" .repository (.tag | empty | ternary "" (printf ":%s" .tag)) .digest | quote }}
{{- else }}
{{- printf "%s:%s" .repository (.tag | default $.Chart.AppVersion) | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* What no schema can say, or not in words: values that contradict each other. */}}
{{- define "seal.check" -}}
{{- $closed := list .Release.Namespace .Values.git.namespace }}
{{- range .Values.namespaces }}
{{- if has . $closed }}
{{- fail (printf "namespaces: %s holds the keys or the Git sources: nothing is ever opened there" .) }}
{{- end }}
{{- end }}
{{- if and .Values.namespaces .Values.allowClusterWide }}
{{- fail "allowClusterWide: namespaces names some, and the controller then serves no others" }}
{{- end }}
{{- $own := "^--(namespaces?|allow-cluster-wide|attach-pull-secrets|require-existing-key|log-format|git-namespace|controller-namespace|cluster-sealed-secrets)(=|$)" }}
{{- range concat (.Values.extraArgs | default list) (.Values.git.extraArgs | default list) }}
{{- if regexMatch $own . }}
{{- fail (printf "extraArgs: %s has a value of its own" .) }}
{{- end }}
{{- end }}
{{- include "seal.check.git" . }}
{{- end }}

{{- define "seal.check.git" -}}
{{- $namespaces := .Values.namespaces }}
{{- $closed := list .Release.Namespace .Values.git.namespace }}
{{- with .Values.git }}
{{- if and .clusterSealedSecrets (not .enabled) }}
{{- fail "git.clusterSealedSecrets: git.enabled is not set" }}
{{- end }}
{{- if .enabled }}
{{- if eq .namespace $.Release.Namespace }}
{{- fail "git.namespace: the keys and the Git sources are in one namespace; what fetches must not read keys" }}
{{- end }}
{{- range .namespaces }}
{{- if has . $closed }}
{{- fail (printf "git.namespaces: nothing is ever applied in %s" .) }}
{{- end }}
{{- if and $namespaces (not (has . $namespaces)) }}
{{- fail (printf "git.namespaces: what Git brings to %s would not be opened: name it in namespaces, too" .) }}
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
{{- if ne .Values.logFormat "text" }}{{ $args = append $args (printf "--log-format=%s" .Values.logFormat) }}{{ end }}
{{- concat $args (.Values.extraArgs | default list) | default list | toJson }}
{{- end }}

{{/* Flags of the process of Git sources. */}}
{{- define "seal.git.args" -}}
{{- $args := list "git" }}
{{- if ne .Values.logFormat "text" }}{{ $args = append $args (printf "--log-format=%s" .Values.logFormat) }}{{ end }}
{{- if ne .Release.Namespace "seal-system" }}
{{- $args = append $args (printf "--controller-namespace=%s" .Release.Namespace) }}
{{- end }}
{{- if .Values.git.clusterSealedSecrets }}{{ $args = append $args "--cluster-sealed-secrets" }}{{ end }}
{{- concat $args (.Values.git.extraArgs | default list) | toJson }}
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
priorityClassName: {{ quote . }}
{{- end }}
{{- end }}
