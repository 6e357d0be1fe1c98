// SPDX-License-Identifier: BSD-2-Clause
// All pods: which of them is slow, fails, waits or loses packets.
local http = import 'http.libsonnet';
local lib = import 'lib.libsonnet';
local client = http { role:: 'role="client"' };

local name = '{{namespace}}/{{workload}}{{pod}}';
local line(expr, what='') = [lib.query(expr, name + what)];
local grouped(expr, more='') = http.grouped(expr, more);
local ratio(part, whole) = http.ratio(grouped(part), grouped(whole));
local quantile(q, from=http) = http.quantile(q, grouped(from.buckets(), ', le'));
local mean(of) = ratio(of('sum'), of('count'));

local onePod = '/d/podtag-pod?${datasource:queryparam}&${__url_time_range}' +
               '&var-namespace=${__data.fields.Namespace}&var-pod=${__data.fields.Pod}';

lib.dashboard(
  'podtag-pods',
  'podtag / Pods',
  'HTTP, TCP retransmits and traffic of pods, by workload or by pod.',
  [
    lib.variable.many('namespace', 'Namespace', 'label_values(podtag_pod_info, namespace)'),
    lib.variable.many(
      'workload',
      'Workload',
      http.known('.+', 'namespace=~"$namespace"'),
      '/workload="([^"]+)"/'
    ),
    lib.variable.many(
      'pod',
      'Pod',
      http.known('$workload', 'namespace=~"$namespace"'),
      '/pod="([^"]+)"/'
    ),
    lib.variable.choice('by', 'By', ['workload', 'pod']),
  ],
  [
    lib.row('Overview', [
      lib.table(
        'Who is slow, who fails',
        'One line for each workload or pod that answers HTTP, as of now: how much it is asked, how many of ' +
        'the answers are errors (5xx, or none because the server closed), how long the slowest hundredth takes.',
        [
          ['Requests/s', 'reqps', grouped(http.requests())],
          ['Errors', 'percentunit', ratio(http.errors, http.attempts)],
          ['p99', 's', quantile('0.99')],
          ['In queue', 's', mean(http.queue)],
          ['Segments sent again/s', 'cps', grouped(http.retransmits())],
        ],
        { namespace: 'Namespace', workload: 'Workload', pod: 'Pod' },
      ) {
        fieldConfig+: {
          overrides+: [{
            matcher: { id: 'byName', options: 'Pod' },
            properties: [{ id: 'links', value: [{ title: 'One pod', url: onePod }] }],
          }],
        },
      },
    ]),
    lib.row('Requests that pods answer', [
      lib.graph('Request rate', 'reqps', 'HTTP requests answered per second.', line(grouped(http.requests())), 12),
      lib.graph(
        'Error ratio',
        'percentunit',
        'Share of requests that were answered with a status of 5xx, or not at all because the server ' +
        'closed the connection. Pods that nobody asks have no line.',
        line(ratio(http.errors, http.attempts)),
        12,
      ),
      lib.graph(
        'Latency, p50',
        's',
        "Half of the requests take at most this long, from the first byte at the pod's socket to the " +
        'last byte of the answer; waiting for a busy application is in it.',
        line(quantile('0.5'))
      ),
      lib.graph('Latency, p90', 's', 'Nine of ten requests take at most this long.', line(quantile('0.9'))),
      lib.graph('Latency, p99', 's', '99 of 100 requests take at most this long.', line(quantile('0.99'))),
      lib.graph(
        'Time in queue and in the application',
        's',
        'Mean of the time that a request waits in the accept queue and the receive buffer until the ' +
        'application reads it, and of the time from then on. A queue that grows means that all workers are ' +
        'busy. Without requests inside TLS, whose queue is not seen.',
        line(mean(http.queue), ' queue') + line(
          '%s - %s' % [mean(http.plain), mean(http.queue)], ' application'
        ),
        12,
      ),
      lib.graph(
        'Aborted requests',
        'reqps',
        'Requests whose answer never ended, by the side that closed or reset the connection.',
        [lib.query(grouped(http.aborted(', by'), ', by'), name + ' by {{by}}')],
        12,
      ),
    ]),
    lib.row('Requests that pods make', [
      lib.graph(
        'Requests made',
        'reqps',
        'HTTP requests that the pods made, and got answered, per second.',
        line(grouped(client.requests())),
      ),
      lib.graph(
        'Errors got',
        'percentunit',
        'Share of the requests that the pods made and that were answered with 5xx, or not at all because the ' +
        'other side closed the connection.',
        line(ratio(client.errors, client.attempts))
      ),
      lib.graph(
        'Latency as the client sees it, p99',
        's',
        '99 of 100 answers came within this time, as the pod that asked saw it: the network is in it.',
        line(quantile('0.99', client))
      ),
    ]),
    lib.row('TCP and traffic', [
      lib.graph(
        'Retransmit ratio',
        'percentunit',
        'TCP segments sent again, to segments sent. Those sent are what the interface counts, where a packet ' +
        'that is yet to be segmented counts as one for each 1500 bytes.',
        line(ratio(http.retransmits(), http.segments))
      ),
      lib.graph('Received', 'Bps', "Bytes per second that came through the pods' interfaces.", line(
        grouped(http.traffic('bytes', 'receive'))
      )),
      lib.graph('Transmitted', 'Bps', 'Bytes per second that the pods sent through their interfaces.', line(
        grouped(http.traffic('bytes', 'transmit'))
      )),
    ]),
  ],
)
