// SPDX-License-Identifier: BSD-2-Clause
// What the dashboards have in common: panels, their places, queries and variables.

local datasource = { type: 'prometheus', uid: '${datasource}' };

// Panels from left to right, each row as high as its first. A panel says how wide it is with w, of 24.
local place(rows) =
  local step(at, panel) =
    local fits = at.x + panel.w <= 24;
    local x = if fits then at.x else 0;
    local y = if fits then at.y else at.y + at.h;
    local placed = panel { id: at.id, gridPos: { x: x, y: y, w: panel.w, h: panel.h }, w:: null, h:: null };
    {
      id: at.id + 1,
      x: x + panel.w,
      y: y,
      h: if x == 0 then panel.h else at.h,
      panels: at.panels + [placed],
    };
  std.foldl(step, std.flattenArrays(rows), { id: 1, x: 0, y: 0, h: 0, panels: [] }).panels;

{
  dashboard(uid, title, description, variables, rows): {
    uid: uid,
    title: title,
    description: description,
    tags: ['podtag'],
    schemaVersion: 39,
    version: 1,
    editable: true,
    graphTooltip: 1,  // one crosshair for all panels
    refresh: '30s',
    time: { from: 'now-1h', to: 'now' },
    links: [{
      type: 'dashboards',
      title: 'podtag',
      tags: ['podtag'],
      icon: '',
      tooltip: '',
      targetBlank: false,
      asDropdown: true,
      includeVars: true,
      keepTime: true,
    }],
    templating: {
      list: [{ name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' }] + variables,
    },
    panels: place(rows),
  },

  row(title, panels): [{ type: 'row', title: title, collapsed: false, w: 24, h: 1 }] + panels,

  query(expr, legend='', instant=false, format='time_series'): {
    expr: expr,
    legendFormat: if legend == '' then '__auto' else legend,
    instant: instant,
    range: !instant,
    format: format,
  },

  panel(type, title, unit, description, queries, w=8, h=8): {
    type: type,
    title: title,
    description: description,
    datasource: datasource,
    targets: [
      queries[i] { refId: std.char(65 + i), datasource: datasource }
      for i in std.range(0, std.length(queries) - 1)
    ],
    fieldConfig: { defaults: { unit: unit }, overrides: [] },
    w: w,
    h: h,
  },

  graph(title, unit, description, queries, w=8):: $.panel('timeseries', title, unit, description, queries, w) {
    fieldConfig+: { defaults+: { min: 0, custom: { fillOpacity: 8, showPoints: 'never' } } },
    options: {
      tooltip: { mode: 'multi', sort: 'desc' },
      legend: { displayMode: 'list', placement: 'bottom', showLegend: true, calcs: [] },
    },
  },

  // Parts of a whole on top of each other.
  stack(title, unit, description, queries, w=8):: $.graph(title, unit, description, queries, w) {
    fieldConfig+: { defaults+: { custom+: { fillOpacity: 40, stacking: { mode: 'normal', group: 'A' } } } },
  },

  // What happens now and then.
  bars(title, unit, description, queries, w=8):: $.stack(title, unit, description, queries, w) {
    fieldConfig+: { defaults+: { custom+: { drawStyle: 'bars', fillOpacity: 80 } } },
  },

  stat(title, unit, description, expr, legend='', w=4):: $.panel('stat', title, unit, description, [
    $.query(expr, legend, instant=true),
  ], w, 4) {
    options: { reduceOptions: { calcs: ['lastNotNull'] }, colorMode: 'none', graphMode: 'none' },
  },

  // A histogram's buckets as they are.
  heatmap(title, unit, description, expr, w=12):: $.panel('heatmap', title, unit, description, [
    $.query(expr, '{{le}}', format='heatmap'),
  ], w) {
    options: {
      calculate: false,
      cellGap: 1,
      color: {
        mode: 'scheme',
        scheme: 'Spectral',
        reverse: true,
        steps: 64,
        scale: 'exponential',
        exponent: 0.5,
        fill: 'dark-orange',
      },
      rowsFrame: { layout: 'auto' },
      tooltip: { mode: 'single', yHistogram: true },
      yAxis: { unit: unit, axisPlacement: 'left' },
    },
  },

  // A line for each set of labels. Columns are [name, unit, expression]; renamed and hidden are labels.
  table(title, description, columns, renamed, hidden=[], w=24, h=9)::
    local letter(i) = std.char(65 + i);
    local last = std.range(0, std.length(columns) - 1);
    $.panel('table', title, columns[0][1], description, [
      $.query(column[2], instant=true, format='table')
      for column in columns
    ], w, h) {
      transformations: [
        { id: 'merge', options: {} },
        {
          id: 'organize',
          options: {
            excludeByName: { Time: true } + { [name]: true for name in hidden },
            renameByName: renamed + (
              if std.length(columns) == 1 then { Value: columns[0][0] }
              else { ['Value #' + letter(i)]: columns[i][0] for i in last }
            ),
          },
        },
      ],
      fieldConfig+: {
        overrides: [
          {
            matcher: { id: 'byName', options: column[0] },
            properties: [{ id: 'unit', value: column[1] }, { id: 'decimals', value: 2 }],
          }
          for column in columns
        ],
      },
    },

  variable:: {
    local query(name, label, query, regex) = {
      // Grafana knows what is on one line.
      local text = std.strReplace(query, '\n', ' '),
      name: name,
      label: label,
      type: 'query',
      datasource: datasource,
      query: { query: text, refId: name },
      regex: regex,
      refresh: 2,  // when the time range changes
      sort: 1,
    },
    one(name, label, text, regex=''): query(name, label, text, regex),
    // All is any value, so that no query carries a list of all pods.
    many(name, label, text, regex=''): query(name, label, text, regex) {
      multi: true,
      includeAll: true,
      allValue: '.+',
      current: { text: 'All', value: '$__all' },
    },
    choice(name, label, values): {
      name: name,
      label: label,
      type: 'custom',
      query: std.join(',', values),
      options: [{ text: value, value: value, selected: value == values[0] } for value in values],
      current: { text: values[0], value: values[0] },
    },
  },
}
