// SPDX-License-Identifier: BSD-2-Clause
// The dashboards as files: jsonnet -m install/grafana install/grafana/dashboards.jsonnet
{
  'pods.json': import 'pods.libsonnet',
  'pod.json': import 'pod.libsonnet',
  'podtag.json': import 'podtag.libsonnet',
}
