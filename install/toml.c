// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* containerd's configuration, as far as its folders for CNI go. */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "install/files.h"
#include "install/install.h"
#include "install/toml.h"

static char *strip(char *line)
{
	char *end;

	while (isspace((unsigned char)*line))
		line++;
	end = line + strlen(line);
	while (end > line && isspace((unsigned char)end[-1]))
		*--end = '\0';
	return line;
}

/* Takes one quoted text off the value; NULL: that is not what comes there. */
static const char *take_text(char **value)
{
	char quote = **value, *text = *value + 1, *end;

	if (quote != '"' && quote != '\'')
		return NULL;
	end = strchr(text, quote);
	if (!end || (quote == '"' && memchr(text, '\\', end - text)))
		return NULL;
	*end = '\0';
	*value = strip(end + 1);
	return text;
}

/* One text, or an array of them on one line. Returns how many, or -1. */
static int read_value(char *value, char (*ret)[PATH_MAX], int max)
{
	bool array = *value == '[';
	const char *text;
	int count = 0;

	if (array)
		value = strip(value + 1);
	while (count < max && (text = take_text(&value))) {
		snprintf(ret[count++], PATH_MAX, "%s", text);
		if (!array)
			break;
		if (*value == ',')
			value = strip(value + 1);
	}
	if (array && *value++ != ']')
		return -1;
	return !*strip(value) || *strip(value) == '#' ? count : -1;
}

static void read_line(const char *path, int number, char *line, bool in_cni, struct pt_toml *ret)
{
	char *value = strchr(line, '=');
	const char *key;
	int count = 0;

	if (!value)
		return;
	*value = '\0';
	key = strip(line);
	value = strip(value + 1);
	if (!strcmp(key, "imports") && strcmp(value, "[]"))
		pt_complain(0,
			    "%s:%d: imports are not followed; if they set CNI's folders, give "
			    "--cni-bin-dir and --cni-conf-dir",
			    path, number);
	if (!in_cni)
		return;
	if (!strcmp(key, "conf_dir"))
		count = read_value(value, &ret->conf_dir, 1);
	else if (!strcmp(key, "bin_dir") || !strcmp(key, "bin_dirs"))
		count = read_value(value, ret->bin_dirs, PT_TOML_BINS);
	if (count < 0)
		pt_complain(0,
			    "%s:%d: %s has a value that is not understood here; give "
			    "--cni-bin-dir and --cni-conf-dir",
			    path, number, key);
}

static bool is_cni(const char *section)
{
	static const char *const ends[] = { ".cni]", ".\"cni\"]", ".'cni']" };
	size_t size = strcspn(section, "]") + 1;

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		size_t end = strlen(ends[i]);

		if (size >= end && !strncmp(section + size - end, ends[i], end))
			return true;
	}
	return false;
}

void pt_toml_read(const char *path, struct pt_toml *ret)
{
	struct pt_file file = {};
	int number = 0, err = pt_file_read(path, PT_CONF_MAX, &file);
	bool in_cni = false;
	char *rest, *line;

	*ret = (struct pt_toml){};
	if (err && err != -ENOENT)
		pt_complain(err, "%s cannot be read", path);
	for (rest = file.text; rest && (line = strsep(&rest, "\n"));) {
		number++;
		line = strip(line);
		if (*line == '[')
			in_cni = is_cni(line);
		else if (*line != '#')
			read_line(path, number, line, in_cni, ret);
	}
	pt_file_free(&file);
}
