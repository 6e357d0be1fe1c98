// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The plugin's binary in the runtime's folder of plugins. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cni/io.h"
#include "install/binary.h"
#include "install/files.h"
#include "install/install.h"
#include "install/payload.h"
#include "install/run.h"

#define NAME            "podtag"
#define BINARY_MAX      (64 * 1024 * 1024)
#define VERSION_SECONDS 10
#define UNLOAD_SECONDS  60

static const struct {
	const unsigned char *begin;
	const unsigned char *end;
} programs[PT_KINDS] = {
	[PT_KIND_PODTAG] = { pt_payload_podtag, pt_payload_podtag_end },
	[PT_KIND_PASS] = { pt_payload_pass, pt_payload_pass_end },
};

size_t pt_binary_size(enum pt_kind kind)
{
	return programs[kind].end - programs[kind].begin;
}

int pt_binary_look(const char *bin_dir)
{
	struct pt_file file = {};
	char path[PATH_MAX];
	int kind, err;

	pt_path(path, bin_dir, NAME);
	err = pt_file_read(path, BINARY_MAX, &file);
	if (err)
		return err;
	for (kind = 0; kind < PT_KINDS; kind++)
		if (pt_file_equal(&file, programs[kind].begin, pt_binary_size(kind)))
			break;
	/* one that nobody may run is none of ours */
	if (!(file.mode & 0111))
		kind = PT_KINDS;
	pt_file_free(&file);
	return kind;
}

static json_t *ask_versions(const char *path)
{
	const struct pt_program program = {
		.path = path,
		.variable = "CNI_COMMAND=VERSION",
		.seconds = VERSION_SECONDS,
	};
	json_auto_t *answer = NULL;
	json_t *versions;
	char *output;
	int err;

	err = pt_run(&program, &output);
	if (err) {
		pt_complain(err < 0 ? err : 0, "%s does not answer VERSION", path);
		return NULL;
	}
	answer = json_loads(output, 0, NULL);
	free(output);
	versions = json_object_get(answer, "supportedVersions");
	if (!json_array_size(versions)) {
		pt_complain(0, "%s answers VERSION with something else", path);
		return NULL;
	}
	return json_incref(versions);
}

json_t *pt_binary_versions(const char *bin_dir)
{
	char path[PATH_MAX];

	pt_path(path, bin_dir, NAME);
	return ask_versions(path);
}

char *pt_binary_version(const char *bin_dir)
{
	char path[PATH_MAX], *output;
	const struct pt_program program = {
		.path = path,
		.argument = "version",
		.seconds = VERSION_SECONDS,
	};

	pt_path(path, bin_dir, NAME);
	if (pt_run(&program, &output))
		return NULL;
	output[strcspn(output, "\n")] = '\0';
	return output;
}

int pt_binary_put(const char *bin_dir, enum pt_kind kind)
{
	const struct pt_file like = { .mode = 0755, .uid = geteuid(), .gid = getegid() };
	char path[PATH_MAX], temp[PATH_MAX];
	json_t *versions;
	int err;

	if (pt_binary_look(bin_dir) == (int)kind)
		return 0;
	pt_dir_clean(bin_dir);
	pt_path(path, bin_dir, NAME);
	err = pt_temp_write(bin_dir, programs[kind].begin, pt_binary_size(kind), &like, temp);
	if (err)
		return pt_complain(err, "%s cannot be written", path);
	versions = ask_versions(temp);
	if (!versions) {
		unlink(temp);
		return -1;
	}
	json_decref(versions);
	err = pt_temp_commit(temp, path);
	if (err)
		return pt_complain(err, "%s cannot be written", path);
	return 1;
}

/* By the program that is carried, not by what is in the folder: that may be the one for afterwards
 * already, when an uninstall was cut short. */
int pt_binary_unload(void)
{
	struct pt_program program = {
		.fd = memfd_create(NAME, MFD_CLOEXEC),
		.argument = "unload",
		.variable = "PATH=",
		.seconds = UNLOAD_SECONDS,
	};
	char *output = NULL;
	int err = program.fd < 0 ? -errno : 0;

	if (!err)
		err = pt_write_all(program.fd, (const char *)programs[PT_KIND_PODTAG].begin,
				   pt_binary_size(PT_KIND_PODTAG));
	if (!err)
		err = pt_run(&program, &output);
	if (program.fd >= 0)
		close(program.fd);
	free(output);
	if (!err)
		return 0;
	return pt_complain(
		err < 0 ? err : 0,
		"podtag cannot be taken out of the kernel as a whole (are bpffs, /proc with "
		"the node's processes and /run/netns to be seen here?)");
}
