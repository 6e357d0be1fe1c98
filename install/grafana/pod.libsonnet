// SPDX-License-Identifier: BSD-2-Clause
// One pod, as a server or as a client.
local lib = import 'lib.libsonnet';
local http = (import 'http.libsonnet') {
  pods:: 'namespace="$namespace",pod="$pod"',
  role:: 'role="$role"',
};

local quantiles(metric) = [
  lib.query(http.quantile(quantile[0], http.buckets(metric)), quantile[1])
  for quantile in [['0.5', 'p50'], ['0.9', 'p90'], ['0.99', 'p99']]
];
// 0 where the pod answers nothing.
local mean(of) = '(%s\nor %s)' % [http.ratio(of('sum'), of('count')), http.queue('sum')];
local both(what) = [
  lib.query(http.traffic(what, 'receive'), 'received'),
  lib.query(http.traffic(what, 'transmit'), 'transmitted'),
];

lib.dashboard(
  'podtag-pod',
  'podtag / One pod',
  'What one pod answers or asks over HTTP, its TCP and its traffic.',
  [
    lib.variable.one('namespace', 'Namespace', 'label_values(podtag_pod_info, namespace)'),
    lib.variable.one('pod', 'Pod', 'label_values(podtag_pod_info{namespace="$namespace"}, pod)'),
    lib.variable.one(
      'role',
      'Role',
      'label_values(http_request_duration_seconds_count{namespace="$namespace",pod="$pod"}, role)',
    ) { sort: 2 },  // server first
  ],
  [
    lib.row('HTTP', [
      lib.heatmap(
        'Latency of each request',
        's',
        'How many requests took how long, from the first byte of the request to the last byte of the ' +
        "answer, both at the pod's socket. Each row is a bucket of the histogram, named by its upper bound.",
        'sum by (le) (increase(http_request_duration_seconds_bucket{%s,%s}[$__rate_interval]))' %
        [http.pods, http.role],
      ),
      lib.stack(
        'Statuses',
        'reqps',
        'Requests per second by status of the answer. 2xx and its like: the pod has too many series for ' +
        'each status to have its own.',
        [lib.query(http.requests(', status'), '{{status}}')],
        12,
      ),
      lib.graph(
        'Latency',
        's',
        'Half, nine tenths and 99 hundredths of the requests take at most this long.',
        quantiles('http_request_duration_seconds'),
      ),
      lib.graph(
        'Time to the first byte',
        's',
        'The same until the first byte of the answer. Where this is short and the latency long, the answer ' +
        'itself takes long to send.',
        quantiles('http_response_start_seconds'),
      ),
      lib.stack('Methods', 'reqps', 'Requests per second by method.', [
        lib.query(http.requests(', method'), '{{method}}'),
      ]),
      lib.stack(
        'Time in queue and in the application',
        's',
        'Mean time that a request which the pod answers waits until the application reads it, and the mean ' +
        'of the rest. A queue that grows means that all workers are busy. Without requests inside TLS; 0 ' +
        'where the pod answers nothing.',
        [
          lib.query(mean(http.queue), 'queue'),
          lib.query('%s - %s' % [mean(http.plain), mean(http.queue)], 'application'),
        ],
      ),
      lib.stack(
        'Aborted requests',
        'reqps',
        'Requests whose answer never ended, by the side that closed or reset the connection.',
        [lib.query(http.aborted(', by'), 'by {{by}}')],
      ),
      lib.graph(
        'Answers past the budget of series',
        'reqps',
        'Answers that are counted by class of status, because the pod has used up its series.',
        [lib.query(http.overflow, 'answers')],
      ),
    ]),
    lib.row('TCP and traffic', [
      lib.stack(
        'Retransmits by kind',
        'cps',
        'TCP segments sent again per second, by cause: at the beginning of a connection (syn, synack), after ' +
        'a timeout (rto), after duplicate ACKs (fast), to probe for a lost tail (tlp).',
        [lib.query(http.retransmits(', kind'), '{{kind}}')],
        6,
      ),
      lib.graph(
        'Retransmit ratio',
        'percentunit',
        'TCP segments sent again, to segments sent, where a packet that is yet to be segmented counts as one ' +
        'for each 1500 bytes.',
        [lib.query(http.ratio(http.retransmits(), http.segments), 'sent again')],
        6,
      ),
      lib.graph('Traffic', 'Bps', "Bytes per second through the pod's interfaces.", both('bytes'), 6),
      lib.graph(
        'Packets',
        'pps',
        'Packets per second, before segmentation and after receive offload.',
        both('packets'),
        6,
      ),
    ]),
    lib.row('The pod', [
      lib.table(
        'Identity',
        'Who the pod is, as the CNI plugin was told when it was created. Empty once the pod is deleted.',
        [['Now', 'none', 'podtag_pod_info{%s}' % http.pods]],
        {
          namespace: 'Namespace',
          pod: 'Pod',
          uid: 'UID',
          container_id: 'Sandbox',
          ip: 'Address',
          node_interface: 'Interface on the node',
          instance: 'Node',
        },
        ['Value', '__name__', 'job', 'node'],
        12,
      ),
      lib.bars(
        'Restarts of the series',
        'none',
        "How often the pod's counters began at zero again: another sandbox of that name, or podtag with " +
        'another layout of its maps. Rates are not bent by it.',
        [lib.query(http.restarts, 'restarts')],
        6,
      ),
      lib.stat(
        'Traffic is counted',
        'bool_yes_no',
        "Whether podtag is attached to all of the pod's interfaces. If not, the label \"reason\" of " +
        'podtag_pod_attached says why.',
        'min by (namespace, pod) (podtag_pod_attached{%s})' % http.pods,
        w=6,
      ),
    ]),
  ],
)
