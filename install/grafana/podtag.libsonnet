// SPDX-License-Identifier: BSD-2-Clause
// podtag itself: what it costs, what it could not do.
local lib = import 'lib.libsonnet';

local agents = 'job=~"$job",instance=~"$instance"';
local now(metric, labels='') = '%s{%s%s}' % [metric, agents, labels];
local rate(metric, labels='') = 'rate(%s[$__rate_interval])' % now(metric, labels);
local sum(label, expr) = 'sum by (%s) (%s)' % [label, expr];
// What takes an entry for each pod, connection or series; arrays have all of theirs from the beginning.
local filling =
  ',map=~"pods|pod_by_.*|attachments|tcp_retransmits|http_pods|http_latency|tls_.*|sock_pod_hash"';
local perRun = '(%(time)s / (%(runs)s > 0)\nor %(time)s)' % {
  time: sum('program', rate('podtag_program_run_seconds_total')),
  runs: sum('program', rate('podtag_program_runs_total')),
};

lib.dashboard(
  'podtag-self',
  'podtag / podtag itself',
  'What podtag costs its nodes, how full its maps are, and what it had to leave undone.',
  [
    lib.variable.many('job', 'Job', 'label_values(podtag_build_info, job)'),
    lib.variable.many('instance', 'Node', 'label_values(podtag_build_info{job=~"$job"}, instance)'),
  ],
  [
    lib.row('State', [
      lib.stat(
        'Agents',
        'none',
        'Agents that answer, by version.',
        'count by (version) (%s)' % now('podtag_build_info'),
        '{{version}}',
      ),
      lib.stat(
        'Datapaths loaded',
        'none',
        "Nodes whose kernel has podtag's programs.",
        'sum(%s)' % now('podtag_datapath_loaded'),
      ),
      lib.stat(
        'HTTP measured',
        'none',
        'Nodes by whether their kernel lets HTTP be measured.',
        'count by (http) (%s)' % now('podtag_datapath_info'),
        '{{http}}',
      ),
      lib.stat('Pods', 'none', 'Pods that run now and that podtag knows.', 'count(%s)' % now('podtag_pod_info')),
      lib.stat(
        'Pods not counted',
        'none',
        'Pods whose traffic is not counted in full; the label "reason" of podtag_pod_attached says why.',
        'sum(1 - %s)' % now('podtag_pod_attached')
      ),
      lib.stat(
        'Interfaces not adopted',
        'none',
        'Interfaces of older pods that the agent could not attach to when it last tried.',
        'sum(%s)' % now('podtag_pods_not_adopted')
      ),
    ]),
    lib.row('Cost', [
      lib.stack(
        'CPU of the programs',
        'percentunit',
        'Share of one CPU that the kernel spends in each program, summed up over nodes. 0 unless the sysctl ' +
        'kernel.bpf_stats_enabled is 1 on the node, which itself costs some.',
        [lib.query(sum('program', rate('podtag_program_run_seconds_total')), '{{program}}')],
        12,
      ),
      lib.graph(
        'Time of one run',
        's',
        'Mean time that one run of each program takes. 0 without kernel.bpf_stats_enabled, and for programs ' +
        'that did not run.',
        [lib.query(perRun, '{{program}}')],
        12,
      ),
      lib.graph('CPU of the agents', 'percentunit', 'Share of one CPU that each agent takes.', [
        lib.query(rate('process_cpu_seconds_total'), '{{instance}}'),
      ]),
      lib.graph('Memory of the agents', 'bytes', "Resident memory of each agent's process.", [
        lib.query(now('process_resident_memory_bytes'), '{{instance}}'),
      ]),
      lib.graph('Time of a scrape', 's', 'Time that each agent took for the page before the last one.', [
        lib.query(now('podtag_scrape_duration_seconds'), '{{instance}}'),
      ]),
      lib.stack(
        'Memory of the maps',
        'bytes',
        'Kernel memory of each map, summed up over nodes.',
        [lib.query(sum('map', now('podtag_map_memory_bytes')), '{{map}}')],
        12,
      ),
      lib.stack(
        'Memory of the programs',
        'bytes',
        'Kernel memory of each program, summed up over nodes.',
        [lib.query(sum('program', now('podtag_program_memory_bytes')), '{{program}}')],
        12,
      ),
    ]),
    lib.row('Losses', [
      lib.graph(
        'Map fill',
        'percentunit',
        'Entries of each map in proportion to its room, on the node where it is fullest. What does not fit is ' +
        'not counted.',
        [lib.query(
          'max by (map) (%s / %s)' % [now('podtag_map_entries', filling), now('podtag_map_max_entries', filling)],
          '{{map}}',
        )],
      ),
      lib.bars(
        'Left undone',
        'cps',
        'Times per second that a program or the plugin left something undone, by reason.',
        [lib.query(sum('reason', rate('podtag_gave_up_total')), '{{reason}}')],
      ),
      lib.bars(
        'Requests lost',
        'reqps',
        'HTTP requests per second that are in no histogram, by reason.',
        [lib.query(sum('reason', rate('podtag_http_lost_total')), '{{reason}}')],
      ),
      lib.bars(
        "Answers past a pod's budget",
        'reqps',
        'Answers per second that are counted by class of status, because their pod has used up its series.',
        [lib.query(sum('namespace, pod', rate('http_responses_overflow_total')), '{{namespace}}/{{pod}}')],
      ),
      lib.bars(
        'Events missed',
        'cps',
        'Events per second at which the kernel did not run a program because that CPU was in it already. ' +
        'Retransmits missed so are counted later, as kind other.',
        [lib.query(sum('program', rate('podtag_program_misses_total')), '{{program}}')],
      ),
      lib.bars(
        'TLS connections not looked into',
        'cps',
        'TLS connections of pods per second in which no probe sees HTTP, by reason: off where nobody asked for ' +
        'probes, no_probe where the process uses a library that podtag does not know, unavailable where this ' +
        'kernel lets nobody probe.',
        [lib.query(sum('reason', rate('tls_connections_unseen_total')), '{{reason}}')],
      ),
      lib.bars(
        'Pages with holes',
        'cps',
        'Pages per second that lack metrics because the kernel refused to show a map or a program.',
        [lib.query(rate('podtag_scrape_errors_total'), '{{instance}}')],
      ),
    ]),
    lib.row('CNI', [
      lib.bars('Operations', 'ops', 'Calls of the plugin per second, by command.', [
        lib.query(sum('command', rate('podtag_cni_operations_total')), '{{command}}'),
      ]),
      lib.bars(
        'Operations that failed',
        'ops',
        'Calls that ended with an error, or degraded: the runtime was told of success and something was left ' +
        'undone.',
        [lib.query(
          sum('command, result', rate('podtag_cni_operations_total', ',result!="success"')),
          '{{command}} {{result}}',
        )],
      ),
      lib.bars(
        'Adoption',
        'ops',
        'Interfaces per second of pods that ran without podtag and that an agent attached.',
        [lib.query(rate('podtag_pods_adopted_total'), '{{instance}}')],
      ),
    ]),
  ],
)
