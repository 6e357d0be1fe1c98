// SPDX-License-Identifier: BSD-2-Clause
/* A client that does to its TLS library what it should not: signals take it out of calls midway,
 * and meanwhile other threads start programs and end each other.
 *
 * usage: midway ADDRESS PORT COUNT
 *
 * Asks COUNT times, on a connection each. After every other one it asks for what takes long, and a
 * signal handler jumps out of SSL_read(). Prints how many were answered, and how many it left.
 */
#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static sigjmp_buf out;
static volatile bool is_over;

static void leave(int signal)
{
	siglongjmp(out, signal);
}

static void *start_programs(void *arg)
{
	char *const command[] = { "true", NULL };
	sigset_t alarm;
	pid_t pid;

	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &alarm, NULL);
	while (!is_over) {
		if (!posix_spawnp(&pid, command[0], NULL, NULL, command, environ))
			waitpid(pid, NULL, 0);
		usleep(5000);
	}
	return arg;
}

static SSL *open_session(SSL_CTX *context, const struct sockaddr_in *address, int *fd)
{
	SSL *ssl = SSL_new(context);

	*fd = socket(AF_INET, SOCK_STREAM, 0);
	if (!ssl || connect(*fd, (const struct sockaddr *)address, sizeof(*address)) ||
	    !SSL_set_fd(ssl, *fd) || SSL_connect(ssl) != 1) {
		perror("connect");
		exit(1);
	}
	return ssl;
}

static void alarm_in(long us)
{
	const struct itimerval when = { .it_value.tv_usec = us };

	setitimer(ITIMER_REAL, &when, NULL);
}

/* Returns whether there was an answer. */
static bool ask(SSL *ssl, const char *path)
{
	char text[256];
	int size = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: web\r\n\r\n", path);

	if (SSL_write(ssl, text, size) != size)
		return false;
	size = SSL_read(ssl, text, sizeof(text) - 1);
	text[size > 0 ? size : 0] = '\0';
	return !strncmp(text, "HTTP/1.1 200", 12) && strstr(text, "slept");
}

int main(int argc, char **argv)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	struct sockaddr_in address = { .sin_family = AF_INET };
	volatile int answered = 0, left = 0;
	pthread_t thread;

	if (argc != 4 || !inet_pton(AF_INET, argv[1], &address.sin_addr))
		return 2;
	address.sin_port = htons(atoi(argv[2]));
	signal(SIGALRM, leave);
	pthread_create(&thread, NULL, start_programs, NULL);
	for (volatile int i = 0; i < atoi(argv[3]); i++) {
		int fd;
		SSL *ssl = open_session(context, &address, &fd);

		answered += ask(ssl, "/sleep/0/200");
		if (i % 2 && !sigsetjmp(out, 1)) {
			alarm_in(3000);
			ask(ssl, "/sleep/60000/200");
		}
		left += i % 2;
		SSL_free(ssl);
		close(fd);
	}
	is_over = true;
	pthread_join(thread, NULL);
	printf("answered %d left %d\n", answered, left);
	return 0;
}
