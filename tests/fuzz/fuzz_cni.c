// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The plugin: environment and stdin in, stdout and exit status out, for every command.
 *
 * An input is 4 bytes that say how the kernel behaves, then the environment as the kernel shows it
 * (NAME=value, each with a NUL behind it), an empty string, and stdin. The whole plugin runs, on
 * maps in memory; what changes the node is replaced below by what the 4 bytes say.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bpf/pods.h"
#include "bpf/tc.h"
#include "cni/deadline.h"
#include "cni/link.h"
#include "cni/log.h"
#include "cni/netns.h"
#include "cni/plugin.h"
#include "tests/fuzz/kernel.h"

#define PARSE_FLAGS (JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL)

static const char *const variables[] = {
	"CNI_COMMAND", "CNI_CONTAINERID", "CNI_NETNS",          "CNI_IFNAME",
	"CNI_ARGS",    "CNI_PATH",        "CNI_NETNS_OVERRIDE",
};

/* How the kernel behaves for one input. */
static struct {
	__u8 lacks; /* bits below */
	__u8 link;  /* what kind of interface the pod has */
	__u8 call;  /* number of the call to libbpf that fails, 0: none */
	__u8 error; /* and how */
} world;

#define LACKS_LOAD   1   /* nothing is loaded yet */
#define LACKS_LOADER 2   /* and cannot be */
#define LACKS_LOCK   4   /* another process has it */
#define LACKS_NETNS  8   /* CNI_NETNS is none */
#define LACKS_CLSACT 16  /* on the pod's end */
#define LACKS_TCX    32  /* on the host end */
#define LACKS_BEFORE 64  /* an earlier ADD of the same */
#define LACKS_KATA   128 /* as most nodes do */

static bool lacks(unsigned int what)
{
	return world.lacks & what;
}

/* Something that a good call cannot do without. */
static bool anything_fails(void)
{
	return (world.lacks & ~(LACKS_LOAD | LACKS_BEFORE | LACKS_KATA)) || kernel_failed();
}

int __wrap_access(const char *path, int mode);
int __wrap_access(const char *path, int mode)
{
	(void)mode;
	if (!strcmp(path, PT_DIR) ? kernel_is_loaded() : !lacks(LACKS_KATA))
		return 0;
	errno = ENOENT;
	return -1;
}

/* Nothing but a log file is ever written, and a cgroup looked for where it has to be. */
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
	static const char cgroups[] = "/sys/fs/cgroup/";

	if (flags & O_CREAT) {
		size_t ignored;

		must(*path == '/' && (flags & O_NOFOLLOW) && (flags & O_CLOEXEC));
		fuzz_written(STDERR_FILENO, &ignored); /* only the file's own lines are left */
		return fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
	}
	must(flags == (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
	must(!strncmp(path, cgroups, strlen(cgroups)));
	errno = ENOENT;
	return -1;
}

int __wrap_pt_datapath_lock(int timeout_ms);
int __wrap_pt_datapath_lock(int timeout_ms)
{
	must(timeout_ms >= 0);
	return lacks(LACKS_LOCK) ? -ETIMEDOUT : kernel_fd();
}

int __wrap_pt_datapath_load(char *text, size_t size);
int __wrap_pt_datapath_load(char *text, size_t size)
{
	if (lacks(LACKS_LOADER)) {
		snprintf(text, size, "libbpf: line one\nlibbpf: \x1b[31m\xff\n");
		return -EPERM;
	}
	kernel_load(true);
	return PT_LOAD_CREATED;
}

int __wrap_pt_spawn_load(void);
int __wrap_pt_spawn_load(void)
{
	return lacks(LACKS_LOADER) ? -EAGAIN : 0;
}

int __wrap_pt_netns_is_own(const char *path);
int __wrap_pt_netns_is_own(const char *path)
{
	must(*path);
	return lacks(LACKS_NETNS) ? -ENOENT : !strcmp(path, "/proc/self/ns/net");
}

int __wrap_pt_netns_open(const char *path, __u32 *inode);
int __wrap_pt_netns_open(const char *path, __u32 *inode)
{
	must(*path);
	*inode = 4026532000;
	return lacks(LACKS_NETNS) ? -EINVAL : kernel_fd();
}

int __wrap_pt_link_find(int netns_fd, const char *ifname, struct pt_link *ret);
int __wrap_pt_link_find(int netns_fd, const char *ifname, struct pt_link *ret)
{
	static const int errors[] = { 0, 0, 0, -ENODEV, -EPERM };

	must(fcntl(netns_fd, F_GETFD) >= 0 && *ifname);
	*ret = (struct pt_link){
		.ifindex = 2,
		.peer_ifindex = world.link & 8 ? 0 : 7,
		.netlink_fd = kernel_fd(),
		.reason = world.link & 8 ? "no_peer" : "",
		.kind = "veth",
		.peer_name = "veth\xff\n",
	};
	return errors[(world.link & 7) % 5];
}

int __wrap_pt_tc_attach_clsact(int netlink_fd, __u32 ifindex, __u32 classid);
int __wrap_pt_tc_attach_clsact(int netlink_fd, __u32 ifindex, __u32 classid)
{
	must(fcntl(netlink_fd, F_GETFD) >= 0 && ifindex && PT_SLOT(classid));
	return lacks(LACKS_CLSACT) ? -EEXIST : 0;
}

int __wrap_pt_tc_attach_tcx(__u32 ifindex, bool mark);
int __wrap_pt_tc_attach_tcx(__u32 ifindex, bool mark)
{
	(void)mark;
	must(ifindex);
	return lacks(LACKS_TCX) ? -EOPNOTSUPP : 0;
}

bool __wrap_pt_tc_clsact_is_attached(int netlink_fd, __u32 ifindex);
bool __wrap_pt_tc_clsact_is_attached(int netlink_fd, __u32 ifindex)
{
	must(fcntl(netlink_fd, F_GETFD) >= 0 && ifindex);
	return !lacks(LACKS_CLSACT);
}

bool __wrap_pt_tc_tcx_is_attached(__u32 ifindex);
bool __wrap_pt_tc_tcx_is_attached(__u32 ifindex)
{
	must(ifindex);
	return !lacks(LACKS_TCX);
}

int __wrap_pt_tc_retire_tcx(__u32 ifindex);
int __wrap_pt_tc_retire_tcx(__u32 ifindex)
{
	must(ifindex);
	return 0;
}

void __wrap_pt_tc_reap(void);
void __wrap_pt_tc_reap(void)
{
}

/* One object with what the specification asks for, and nothing else. */
static void check_error(const char *text, size_t size, bool is_strict)
{
	static const int codes[] = { 1, 4, 5, 6, 7, 8, 11, 100, 101 };
	json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
	json_t *msg = json_object_get(root, "msg"), *details = json_object_get(root, "details");
	const char *version = json_string_value(json_object_get(root, "cniVersion"));
	json_int_t code = json_integer_value(json_object_get(root, "code"));
	bool known_code = false, known_version = false;

	must(json_is_object(root));
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		known_code |= code == codes[i];
	for (size_t i = 0; version && pt_cni_versions[i]; i++)
		known_version |= !strcmp(version, pt_cni_versions[i]);
	must(known_code && known_version);
	must(json_string_length(msg) > 0);
	must(fuzz_is_clean(json_string_value(msg), json_string_length(msg)));
	must(!details || fuzz_is_clean(json_string_value(details), json_string_length(details)));
	must(json_object_size(root) == (details ? 4 : 3));
	must(is_strict || (code != 11 && code < 100)); /* fail open */
	json_decref(root);
}

/* The prevResult's own bytes: those in the input that another parser takes for it. */
static void check_result(const struct pt_plugin *plugin, const char *text, size_t size)
{
	json_t *root = json_loadb(plugin->input, plugin->input_size, PARSE_FLAGS, NULL);
	json_t *result = json_loadb(text, size, PARSE_FLAGS, NULL);

	must(text > plugin->input && text + size < plugin->input + plugin->input_size);
	must(size >= 2 && text[0] == '{' && text[size - 1] == '}');
	must(json_equal(result, json_object_get(root, "prevResult")));
	json_decref(result);
	json_decref(root);
}

static void check_output(const struct pt_plugin *plugin, int status, const char *text, size_t size)
{
	enum pt_command command = plugin->env.command;

	if (status == 1) {
		check_error(text, size,
			    plugin->conf.closed && (command == PT_ADD || command == PT_CHECK));
	} else if (command == PT_ADD) {
		check_result(plugin, text, size);
	} else if (command == PT_VERSION) {
		json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);

		must(json_array_size(json_object_get(root, "supportedVersions")) == 5);
		must(json_is_string(json_object_get(root, "cniVersion")));
		must(json_object_size(root) == 2);
		json_decref(root);
	} else {
		must(!size);
	}
	must(status == 0 || status == 1);
}

static const struct pt_plugin *running;

/* What is written when the time is over must be as good as any other answer. */
void __wrap_pt_deadline_start(int ms, enum pt_command command, int status, const char *text,
			      size_t size);
void __wrap_pt_deadline_start(int ms, enum pt_command command, int status, const char *text,
			      size_t size)
{
	must(ms == PT_DEADLINE_MS && command == running->env.command);
	check_output(running, status, text, size);
}

void __wrap_pt_deadline_stop(void);
void __wrap_pt_deadline_stop(void)
{
}

static void check_address(const char *text, int family)
{
	char again[INET6_ADDRSTRLEN];
	struct in6_addr binary;

	must(!*text || (inet_pton(family, text, &binary) == 1 &&
			inet_ntop(family, &binary, again, sizeof(again)) && !strcmp(text, again)));
}

static void check_pod(const void *key, const void *value)
{
	const struct pt_pod *pod = value;

	(void)key;
	must(fuzz_is_field(pod->namespace, sizeof(pod->namespace)));
	must(fuzz_is_field(pod->name, sizeof(pod->name)) && *pod->name);
	must(fuzz_is_field(pod->uid, sizeof(pod->uid)));
	must(fuzz_is_field(pod->container_id, sizeof(pod->container_id)) && *pod->container_id);
	must(fuzz_is_field(pod->node_interface, sizeof(pod->node_interface)));
	must(fuzz_is_field(pod->ifname, sizeof(pod->ifname)) && *pod->ifname);
	must(fuzz_is_field(pod->ipv4, sizeof(pod->ipv4)));
	must(fuzz_is_field(pod->ipv6, sizeof(pod->ipv6)));
	check_address(pod->ipv4, AF_INET);
	check_address(pod->ipv6, AF_INET6);
}

static void check_attachment(const void *key, const void *value)
{
	const struct pt_attachment *attachment = value;

	(void)key;
	must(fuzz_is_field(attachment->reason, sizeof(attachment->reason)));
	must(attachment->hook <= PT_HOOK_TCX && attachment->pod_id);
}

static void check_tls(const void *key, const void *value)
{
	enum pt_tls_mode tls;

	(void)key;
	memcpy(&tls, value, sizeof(tls));
	must(tls > PT_TLS_UNSAID && tls < PT_TLS_MODES);
}

/* What each call leaves in the maps. */
static void check_maps(const struct pt_plugin *plugin)
{
	bool begun = kernel_count("attachments");

	kernel_each("pods", check_pod);
	kernel_each("attachments", check_attachment);
	kernel_each("tls_wanted", check_tls);
	if (anything_fails() || !kernel_is_loaded())
		return;
	if (plugin->env.command == PT_ADD && lacks(LACKS_BEFORE))
		must(begun == !plugin->status); /* all of it or, failed, as if never */
	if (plugin->env.command == PT_DEL && !plugin->status)
		must(!begun && !kernel_count("pod_by_netns") && !kernel_count("pod_by_ip") &&
		     !kernel_count("pod_by_ifindex"));
}

/* Log lines: one each, whatever was in the input. Lines before the first that went into a file are
 * gone, see __wrap_open(). */
static void check_log(void)
{
	size_t size, length;
	const char *text = fuzz_written(STDERR_FILENO, &size);

	for (const char *end = text + size; text < end; text += length + 1) {
		length = strcspn(text, "\n");
		must(text + length < end && fuzz_is_clean(text, length));
		must(!strncmp(text, "podtag: ", 8) ||
		     (length > 24 && !strncmp(text + 24, " podtag[", 8)));
	}
}

static void set_environment(struct fuzz *in)
{
	char *text;

	for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++)
		unsetenv(variables[i]);
	for (;;) {
		char *value;

		text = fuzz_text(in);
		if (!*text)
			break;
		value = strchr(text, '=');
		if (value)
			*value++ = '\0';
		for (size_t i = 0; value && i < sizeof(variables) / sizeof(*variables); i++)
			if (!strcmp(text, variables[i]))
				setenv(variables[i], value, 1);
		free(text);
	}
	free(text);
}

static void set_stdin(const struct fuzz *in)
{
	static bool is_ours;

	if (!is_ours) {
		int file = memfd_create("stdin", MFD_CLOEXEC);

		must(file >= 0 && dup2(file, STDIN_FILENO) == STDIN_FILENO && !close(file));
		is_ours = true;
	}
	must(!ftruncate(STDIN_FILENO, 0));
	must(pwrite(STDIN_FILENO, in->at, in->left, 0) == (ssize_t)in->left);
}

static __u64 operations_total(void)
{
	struct pt_datapath dp;
	__u64 total = 0;

	if (!kernel_is_loaded())
		return 0;
	must(!pt_datapath_open(&dp));
	for (int i = 0; i < PT_COMMAND_COUNT; i++)
		total += dp.operations[i].success + dp.operations[i].degraded +
			 dp.operations[i].error;
	pt_datapath_close(&dp);
	return total;
}

static void run(void)
{
	struct pt_plugin plugin = {};
	int free_fd = fuzz_free_fd();

	must(!lseek(STDIN_FILENO, 0, SEEK_SET));
	running = &plugin;
	pt_plugin_run(&plugin);
	check_output(&plugin, plugin.status, plugin.output, plugin.output_size);
	check_log();
	check_maps(&plugin);
	pt_plugin_done(&plugin);
	pt_log_setup(PT_LOG_WARN, NULL, NULL, NULL);
	must(fuzz_free_fd() == free_fd);
}

/* Each call is counted once, in one of three columns. */
static void check_operations(__u64 before, const char *command)
{
	unsigned int counted = 0;

	for (int i = 0; i < PT_VERSION; i++)
		counted |= command && !strcmp(command, pt_command_names[i]);
	if (kernel_is_loaded() && !kernel_failed())
		must(operations_total() == before + counted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int errors[] = { ENOMEM, EPERM, ENOENT, E2BIG, EEXIST, EINTR };
	struct fuzz in = { data, size };
	char *command = NULL;
	__u64 before;

	fuzz_take(&in, &world, sizeof(world));
	set_environment(&in);
	set_stdin(&in);
	if (getenv("CNI_COMMAND"))
		command = strdup(getenv("CNI_COMMAND"));

	kernel_reset(!lacks(LACKS_LOAD));
	if (!lacks(LACKS_BEFORE)) {
		setenv("CNI_COMMAND", "ADD", 1);
		run();
		if (command)
			setenv("CNI_COMMAND", command, 1);
		else
			unsetenv("CNI_COMMAND");
	}
	before = operations_total();
	kernel_fail(world.call, errors[world.error % 6]);
	run();
	kernel_fail(0, 0);
	check_operations(before, command);
	free(command);
	return 0;
}
