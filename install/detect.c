// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Where this node's runtime has its network configuration and its plugins. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "install/detect.h"
#include "install/toml.h"

#define CONTAINERD "/etc/containerd/config.toml"
#define CONF       "/etc/cni/net.d"
#define K3S        "/var/lib/rancher/k3s"
#define MICROK8S   "/var/snap/microk8s/current"

struct place {
	const char *conf_dir;
	const char *bin_dir;
};

/* Folders of one distribution alone come first: beside them there may be an /etc/cni/net.d that its
 * runtime does not read. */
static const struct place own[] = {
	{ K3S "/agent/etc/cni/net.d", K3S "/data/cni" },
	{ K3S "/agent/etc/cni/net.d", K3S "/data/current/bin" }, /* before the end of 2024 */
	{ K3S "/agent/etc/cni/net.d", "/bin" },                  /* k3d */
	{ MICROK8S "/args/cni-network", MICROK8S "/opt/cni/bin" },
	{ "/etc/kubernetes/cni/net.d", "/var/lib/cni/bin" }, /* OpenShift */
};

static const struct place common[] = {
	{ CONF, "/opt/cni/bin" },         /* containerd, kubeadm, minikube, Talos */
	{ CONF, "/home/kubernetes/bin" }, /* GKE's COS */
	{ CONF, "/usr/libexec/cni" },     /* CRI-O's RPM */
	{ CONF, "/usr/lib/cni" },         /* Debian */
	{ CONF, "/usr/lib64/cni" },       /* openSUSE */
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define PLACES       (COUNT(own) + PT_TOML_BINS + COUNT(common))

/* In the order in which they are tried. *toml holds the texts. Returns how many. */
static size_t list_places(struct place *ret, struct pt_toml *toml)
{
	size_t count = 0;

	for (size_t i = 0; i < COUNT(own); i++)
		ret[count++] = own[i];
	pt_toml_read(CONTAINERD, toml);
	if (*toml->conf_dir && !*toml->bin_dirs[0])
		snprintf(toml->bin_dirs[0], PATH_MAX, "%s", common[0].bin_dir);
	for (size_t i = 0; i < PT_TOML_BINS; i++)
		if (*toml->bin_dirs[i])
			ret[count++] = (struct place){ *toml->conf_dir ? toml->conf_dir : CONF,
						       toml->bin_dirs[i] };
	for (size_t i = 0; i < COUNT(common); i++)
		ret[count++] = common[i];
	return count;
}

static int read_confs(const char *dir, struct pt_node *node)
{
	int err = pt_conf_dir_read(dir, &node->confs);

	if (err)
		return err;
	snprintf(node->conf_dir, sizeof(node->conf_dir), "%s", dir);
	node->base = pt_conf_dir_base(&node->confs);
	return 0;
}

static int find_confs(const struct pt_options *options, const struct place *places, size_t count,
		      struct pt_node *node)
{
	const char *first = NULL;
	int err;

	if (options->conf_dir) {
		snprintf(node->conf_dir, sizeof(node->conf_dir), "%s", options->conf_dir);
		err = read_confs(options->conf_dir, node);
		return err && err != -ENOENT ? pt_complain(err, "%s", options->conf_dir) : 0;
	}
	for (size_t i = 0; i < count; i++) {
		if (read_confs(places[i].conf_dir, node))
			continue;
		if (node->base)
			return 0;
		first = first ? first : places[i].conf_dir;
		pt_conf_dir_free(&node->confs);
	}
	if (first)
		read_confs(first, node);
	else
		snprintf(node->conf_dir, sizeof(node->conf_dir), "%s", CONF);
	return 0;
}

static bool has(const char *dir, const char *plugin)
{
	char path[PATH_MAX];

	pt_path(path, dir, plugin);
	return !access(path, X_OK);
}

/* Those that go with the folder of configurations, then all others. */
static void find_bin(const struct place *places, size_t count, const char *plugin,
		     struct pt_node *node)
{
	for (int others = 0; others < 2; others++) {
		for (size_t i = 0; i < count; i++) {
			if (others == !strcmp(places[i].conf_dir, node->conf_dir))
				continue;
			if (!has(places[i].bin_dir, plugin))
				continue;
			snprintf(node->bin_dir, sizeof(node->bin_dir), "%s", places[i].bin_dir);
			return;
		}
	}
}

int pt_node_find(const struct pt_options *options, struct pt_node *ret)
{
	struct place places[PLACES];
	struct pt_toml toml = {};
	size_t count = 0;

	*ret = (struct pt_node){};
	if (!options->conf_dir || !options->bin_dir)
		count = list_places(places, &toml);
	if (find_confs(options, places, count, ret))
		return -1;
	if (options->bin_dir)
		snprintf(ret->bin_dir, sizeof(ret->bin_dir), "%s", options->bin_dir);
	else
		find_bin(places, count, ret->base ? ret->base->chain.first_type : "podtag", ret);
	return 0;
}

void pt_node_free(struct pt_node *node)
{
	pt_conf_dir_free(&node->confs);
	node->base = NULL;
}

size_t pt_conf_dirs(const struct pt_options *options, const char **ret, size_t max)
{
	static struct pt_toml toml;
	struct place places[PLACES];
	size_t count, used = 0;

	if (options->conf_dir) {
		ret[0] = options->conf_dir;
		return 1;
	}
	count = list_places(places, &toml);
	for (size_t i = 0; i < count && used < max; i++)
		if (!i || strcmp(places[i].conf_dir, places[i - 1].conf_dir))
			ret[used++] = places[i].conf_dir;
	return used;
}
