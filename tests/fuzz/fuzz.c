// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* What every fuzzing target shares: taking an input apart, and saying what must hold. */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <jansson.h>

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);

/* stderr as it was at the start. */
static int report_fd = STDERR_FILENO;

/* What podtag writes is no part of the fuzzer's report, also when a person runs one input. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char **args = calloc(*argc + 2, sizeof(*args));

	must(args);
	memcpy(args, *argv, *argc * sizeof(*args));
	args[(*argc)++] = "-close_fd_mask=3";
	*argv = args;
	report_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 100);
	return 0;
}

_Noreturn void fuzz_broken(const char *file, int line, const char *condition)
{
	dprintf(report_fd, "%s:%d: does not hold: %s\n", file, line, condition);
	abort();
}

void fuzz_take(struct fuzz *in, void *to, size_t size)
{
	size_t n = size < in->left ? size : in->left;

	memcpy(to, in->at, n);
	memset((char *)to + n, 0, size - n);
	in->at += n;
	in->left -= n;
}

uint8_t fuzz_byte(struct fuzz *in)
{
	uint8_t byte;

	fuzz_take(in, &byte, 1);
	return byte;
}

char *fuzz_text(struct fuzz *in)
{
	size_t size = strnlen((const char *)in->at, in->left);
	char *text = strndup((const char *)in->at, size);

	size += size < in->left; /* the NUL */
	in->at += size;
	in->left -= size;
	return text;
}

char *fuzz_rest(struct fuzz *in, size_t *size)
{
	char *text = malloc(in->left + 1);

	*size = in->left;
	fuzz_take(in, text, in->left);
	text[*size] = '\0';
	return text;
}

bool fuzz_is_utf8(const char *text, size_t size)
{
	json_t *string = json_stringn(text, size);

	json_decref(string);
	return string;
}

bool fuzz_is_clean(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		unsigned char c = text[i];

		if (c < 0x20 || c == 0x7f)
			return false;
		if (c == 0xc2 && i + 1 < size && (unsigned char)text[i + 1] < 0xa0)
			return false;
	}
	return fuzz_is_utf8(text, size);
}

bool fuzz_is_field(const char *field, size_t size)
{
	size_t length = strnlen(field, size);

	for (size_t i = length; i < size; i++)
		if (field[i])
			return false;
	return length < size && fuzz_is_clean(field, length);
}

const char *fuzz_written(int fd, size_t *size)
{
	static struct {
		bool is_ours;
		char *text;
	} files[3];
	off_t end;

	must(fd >= 0 && fd < 3);
	if (!files[fd].is_ours) {
		int file = memfd_create("written", 0);

		must(file >= 0 && dup2(file, fd) == fd && !close(file));
		files[fd].is_ours = true;
	}
	free(files[fd].text);
	end = lseek(fd, 0, SEEK_CUR);
	files[fd].text = malloc(end + 1);
	must(files[fd].text && pread(fd, files[fd].text, end, 0) == end);
	files[fd].text[end] = '\0';
	must(!ftruncate(fd, 0) && !lseek(fd, 0, SEEK_SET));
	*size = end;
	return files[fd].text;
}

int fuzz_free_fd(void)
{
	int fd = fcntl(report_fd, F_DUPFD_CLOEXEC, 0);

	must(fd >= 0 && !close(fd));
	return fd;
}
