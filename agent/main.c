// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* podtag-agent: keeps podtag's programs loaded and shows Prometheus what they count. */
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "agent/http.h"
#include "agent/loader.h"
#include "agent/log.h"
#include "agent/options.h"
#include "agent/scrape.h"
#include "agent/web.h"

/* All that the agent owns; zeroed where not there yet. */
struct agent {
	struct event_base *base;
	struct event *sigterm, *sigint;
	struct pt_http *http;
	struct pt_web *web;
	struct pt_loader *loader;
};

static int write_metrics(struct evbuffer *out, enum pt_format format, void *arg)
{
	struct agent *agent = arg;

	return pt_scrape(out, format, pt_loader_adopted(agent->loader),
			 pt_loader_libraries(agent->loader));
}

static const char *problem(void *arg)
{
	struct agent *agent = arg;

	return pt_loader_problem(agent->loader);
}

static void on_signal(evutil_socket_t number, short what, void *arg)
{
	struct agent *agent = arg;

	(void)what;
	pt_agent_log(PT_LOG_INFO, "ending by SIG%s; the datapath stays as it is",
		     sigabbrev_np(number));
	event_base_loopexit(agent->base, NULL);
}

static void on_libevent_log(int severity, const char *text)
{
	static const enum pt_agent_level levels[] = {
		[EVENT_LOG_DEBUG] = PT_LOG_DEBUG,
		[EVENT_LOG_MSG] = PT_LOG_DEBUG,
		[EVENT_LOG_WARN] = PT_LOG_WARN,
		[EVENT_LOG_ERR] = PT_LOG_ERROR,
	};

	pt_agent_log(levels[severity], "libevent: %s", text);
}

static bool start_events(struct agent *agent)
{
	event_set_log_callback(on_libevent_log);
	signal(SIGPIPE, SIG_IGN);

	agent->base = event_base_new();
	if (!agent->base)
		return false;
	agent->sigterm = evsignal_new(agent->base, SIGTERM, on_signal, agent);
	agent->sigint = evsignal_new(agent->base, SIGINT, on_signal, agent);

	return agent->sigterm && agent->sigint && !event_add(agent->sigterm, NULL) &&
	       !event_add(agent->sigint, NULL);
}

/* Listens first: an agent that can't serve has no business with the datapath. */
static bool start(struct agent *agent, const struct pt_agent_options *options)
{
	const struct pt_http_source source = { write_metrics, problem, agent };

	if (!start_events(agent)) {
		pt_agent_log(PT_LOG_ERROR, "no event loop: %s", strerror(errno));
		return false;
	}

	agent->http = pt_http_new(agent->base, (const struct sockaddr *)&options->listen,
				  options->listen_len, &source);
	if (!agent->http) {
		pt_agent_log(PT_LOG_ERROR, "can't listen on %s: %s", options->listen_text,
			     strerror(errno));
		return false;
	}
	if (agent->web)
		pt_http_protect(agent->http, agent->web);
	pt_agent_log(PT_LOG_INFO, "podtag-agent %s listens on %s, port %d%s", PODTAG_VERSION,
		     options->listen_text, pt_http_port(agent->http),
		     agent->web && pt_web_has_tls(agent->web) ? ", with TLS" : "");

	agent->loader = pt_loader_new(agent->base, options->tls, options->tls_budget);
	if (!agent->loader) {
		pt_agent_log(PT_LOG_ERROR, "can't start: %s", strerror(errno));
		return false;
	}
	return true;
}

static void stop(struct agent *agent)
{
	pt_loader_free(agent->loader);
	pt_http_free(agent->http);
	pt_web_free(agent->web);
	if (agent->sigterm)
		event_free(agent->sigterm);
	if (agent->sigint)
		event_free(agent->sigint);
	if (agent->base)
		event_base_free(agent->base);
}

int main(int argc, char **argv)
{
	struct pt_agent_options options;
	struct agent agent = {};
	char error[512];
	bool ok;

	switch (pt_agent_options_parse(argc, argv, &options, error, sizeof(error))) {
	case PT_OPTIONS_HELP:
		pt_agent_options_help(stdout);
		return fflush(stdout) ? 1 : 0;
	case PT_OPTIONS_VERSION:
		printf("podtag-agent %s\n", PODTAG_VERSION);
		return fflush(stdout) ? 1 : 0;
	case PT_OPTIONS_RUN:
		break;
	default:
		fprintf(stderr, "podtag-agent: %s\nTry \"podtag-agent --help\".\n", error);
		return 2;
	}
	if (*options.web_config_file) {
		agent.web = pt_web_new(options.web_config_file, error, sizeof(error));
		if (!agent.web) {
			fprintf(stderr, "podtag-agent: --web.config.file: %s\n", error);
			return 2;
		}
	}

	pt_agent_log_level = options.log_level;
	ok = start(&agent, &options) && event_base_dispatch(agent.base) >= 0;
	stop(&agent);
	return ok ? 0 : 1;
}
