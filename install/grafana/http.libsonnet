// SPDX-License-Identifier: BSD-2-Clause
// Expressions about pods. Each gives one sample for each namespace and pod, and more only where it says so.

local rate(metric, labels) = 'rate(%s{%s}[$__rate_interval])' % [metric, labels];
local by(labels, expr) = 'sum by (namespace, pod%s) (%s)' % [labels, expr];

{
  // What is asked about: the variables, and what a caller adds.
  pods:: 'namespace=~"$namespace",pod=~"$pod"',
  role:: 'role="server"',
  local http = self.pods + ',' + self.role,

  requests(more=''):: by(more, rate('http_request_duration_seconds_count', http)),
  // Answers, and requests that the server dropped.
  attempts:: by('', '%s or %s' % [
    rate('http_request_duration_seconds_count', http),
    rate('http_requests_aborted_total', http + ',by="server"'),
  ]),
  errors:: by('', '%s or %s' % [
    rate('http_request_duration_seconds_count', http + ',status=~"5.."'),
    rate('http_requests_aborted_total', http + ',by="server"'),
  ]),
  buckets(metric='http_request_duration_seconds'):: by(', le', rate(metric + '_bucket', http)),
  aborted(more=''):: by(more, rate('http_requests_aborted_total', http)),

  overflow:: by('', rate('http_responses_overflow_total', self.pods)),
  restarts::
    by('', 'resets(pod_network_packets_total{%s,direction="receive"}[$__rate_interval])' % self.pods),

  // Inside TLS no queue is seen, so its requests are left out of what is compared with one.
  plain(suffix)::
    by('', rate('http_request_duration_seconds_' + suffix, self.pods + ',role="server",tls="false"')),
  queue(suffix):: by('', rate('http_request_queue_seconds_' + suffix, self.pods)),

  retransmits(more=''):: by(more, rate('tcp_retransmits_total', self.pods)),
  traffic(what, direction)::
    by('', rate('pod_network_%s_total' % what, '%s,direction="%s"' % [self.pods, direction])),
  // The interface counts a packet that is yet to be segmented as one; its bytes tell how many it is at least.
  segments:: '((%(packets)s > %(bytes)s / 1500) or %(bytes)s / 1500)' % {
    packets: $.traffic('packets', 'transmit'),
    bytes: $.traffic('bytes', 'transmit'),
  },

  // The workload of each pod that lives: who controls it, by kube-state-metrics, where a Deployment's
  // ReplicaSet and a CronJob's Job count for these; without that the pod itself.
  local alphabet = 'bcdfghjklmnpqrstvwxz2456789',  // of a ReplicaSet's hash
  workload(chosen='$workload', pods=self.pods)::
    local owner = 'kube_pod_owner{owner_is_controller="true",%s,' % pods;
    local named(kinds, rest) =
      'label_replace(%sowner_kind%s,owner_name=~"(%s)%s"}, "workload", "$1", "owner_name", "(.+?)%s")' %
      [owner, kinds, chosen, rest, rest];
    |||
      max by (namespace, pod, workload) (
        %s
        or %s
        or %s
        or label_replace(podtag_pod_info{%s,pod=~"%s"} unless on (namespace, pod)
          kube_pod_owner{owner_is_controller="true"}, "workload", "$1", "pod", "(.+)")
      )
    ||| % [
      named('="ReplicaSet"', '(-[%s]{5,10})?' % alphabet),
      named('="Job"', '(-[0-9]{8,})?'),
      named('!~"ReplicaSet|Job"', ''),
      pods,
      chosen,
    ],
  // ... of the pods that podtag knows, for a variable to choose from.
  known(chosen, pods):: 'query_result(%s and on (namespace, pod) podtag_pod_info)' % self.workload(chosen, pods),
  // An expression about pods summed up by the variable "by": workload or pod.
  grouped(expr, more='')::
    'sum by (namespace, $by%s) (\n%s\n* on (namespace, pod) group_left (workload)\n%s)' %
    [more, expr, self.workload()],
  ratio(part, whole):: '%s\n/ (%s > 0)' % [part, whole],
  // Nothing where there were no requests, for which it is no number.
  quantile(q, buckets):: 'histogram_quantile(%s, %s) >= 0' % [q, buckets],
}
