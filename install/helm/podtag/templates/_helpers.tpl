{{- define "podtag.labels" -}}
app.kubernetes.io/name: podtag
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "podtag.image" -}}
image: {{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- end }}

{{- /* podtag-install, once or for good: a list of the root, and the word for it. */}}
{{- define "podtag.install" -}}
{{- $root := index . 0 -}}
{{ include "podtag.image" $root }}
command:
- /podtag-install
- {{ index . 1 }}
- --cni-bin-dir={{ $root.Values.cniBinDir }}
- --cni-conf-dir={{ $root.Values.cniConfDir }}
securityContext:
  privileged: false
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  runAsUser: 0
  capabilities:
    drop: [ALL]
resources: {{- toYaml $root.Values.resources.install | nindent 2 }}
volumeMounts:
- {name: cni-bin, mountPath: {{ $root.Values.cniBinDir }}}
- {name: cni-conf, mountPath: {{ $root.Values.cniConfDir }}}
{{- end }}
