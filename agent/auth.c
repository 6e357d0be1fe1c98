// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Basic auth: whose password is right, at a price that a scrape can pay.
 *
 * bcrypt is slow on purpose, 60 ms at the usual cost of 10, and there is one thread. So what was
 * right once is remembered, as a keyed hash, and wrong passwords are rationed by the time they
 * take: after one that took t, no other is looked at for 9 t. Addresses that sent a wrong one in
 * the last minute share one such tenth of the time and all others another one, so that who guesses
 * keeps nobody out whose password was not seen yet, and takes a fifth of the time at most.
 */
#include "agent/auth.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>

#include "cni/base64.h"

#define CREDENTIALS_MAX 1024 /* in base64 */
#define DIGEST_SIZE     32
#define ACCEPTED_MAX    16
#define GUESSERS_MAX    16
#define GUESSER_NS      60000000000LL
#define PAUSE_FACTOR    9

struct guesser {
	char address[64];
	long long until; /* on CLOCK_MONOTONIC, as all times here; 0: nobody */
};

struct pt_auth {
	unsigned char key[DIGEST_SIZE];
	unsigned char accepted[ACCEPTED_MAX][DIGEST_SIZE];
	unsigned int accepted_count;
	struct guesser guessers[GUESSERS_MAX];
	unsigned int next_guesser;
	long long pause_until[2]; /* of those not known to guess, and of those who are */
	struct crypt_data scratch;
};

struct credentials {
	char text[CREDENTIALS_MAX]; /* the user's name, and after a NUL the password */
	const char *password;
};

static long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

struct pt_auth *pt_auth_new(void)
{
	struct pt_auth *auth = calloc(1, sizeof(*auth));

	if (auth && getrandom(auth->key, sizeof(auth->key), 0) != sizeof(auth->key)) {
		free(auth);
		return NULL;
	}
	return auth;
}

/* A NUL in the password would end it for bcrypt alone, so there is none. */
static bool parse(const char *header, struct credentials *ret)
{
	char *decoded, *colon;
	bool fits;
	size_t size;

	if (!header || strncasecmp(header, "Basic ", 6) != 0)
		return false;
	header += 6 + strspn(header + 6, " ");
	if (strlen(header) >= CREDENTIALS_MAX)
		return false;
	decoded = pt_base64_decode(header, &size);
	if (!decoded)
		return false;
	fits = strlen(decoded) == size;
	memcpy(ret->text, decoded, size + 1);
	explicit_bzero(decoded, size);
	free(decoded);
	colon = strchr(ret->text, ':');
	if (!fits || !colon)
		return false;
	*colon = '\0';
	ret->password = colon + 1;
	return true;
}

/* Of a user, the hash at the time, and a password; of use to nobody without the key. */
static bool digest(const struct pt_auth *auth, const struct credentials *credentials,
		   const char *hash, unsigned char ret[DIGEST_SIZE])
{
	char text[CREDENTIALS_MAX + PT_BCRYPT_LENGTH + 2];
	size_t name = strlen(credentials->text) + 1, password = strlen(credentials->password) + 1;
	bool ok;

	memcpy(text, credentials->text, name);
	memcpy(text + name, credentials->password, password);
	memcpy(text + name + password, hash, PT_BCRYPT_LENGTH);
	ok = HMAC(EVP_sha256(), auth->key, sizeof(auth->key), (unsigned char *)text,
		  name + password + PT_BCRYPT_LENGTH, ret, NULL) != NULL;
	explicit_bzero(text, sizeof(text));
	return ok;
}

static bool is_accepted(const struct pt_auth *auth, const unsigned char wanted[DIGEST_SIZE])
{
	bool found = false;

	for (unsigned int i = 0; i < auth->accepted_count && i < ACCEPTED_MAX; i++)
		found |= !CRYPTO_memcmp(auth->accepted[i], wanted, DIGEST_SIZE);
	return found;
}

static struct guesser *find_guesser(struct pt_auth *auth, const char *peer)
{
	for (int i = 0; i < GUESSERS_MAX; i++)
		if (auth->guessers[i].until > now() && !strcmp(auth->guessers[i].address, peer))
			return &auth->guessers[i];
	return NULL;
}

static void remember_guesser(struct pt_auth *auth, const char *peer)
{
	struct guesser *guesser = find_guesser(auth, peer);

	if (!guesser)
		guesser = &auth->guessers[auth->next_guesser++ % GUESSERS_MAX];
	snprintf(guesser->address, sizeof(guesser->address), "%s", peer);
	guesser->until = now() + GUESSER_NS;
}

static bool is_right(struct pt_auth *auth, const char *password, const char *hash)
{
	const char *made = crypt_r(password, hash, &auth->scratch);

	return made && strlen(made) == PT_BCRYPT_LENGTH &&
	       !CRYPTO_memcmp(made, hash, PT_BCRYPT_LENGTH);
}

/* An unknown user's takes as long as a known one's, which tells nobody who there is. */
static enum pt_auth_verdict judge(struct pt_auth *auth, const struct pt_web_config *config,
				  const struct credentials *credentials, const char *peer)
{
	const bool is_guesser = find_guesser(auth, peer) != NULL;
	const char *hash = config->users[0].hash;
	unsigned char wanted[DIGEST_SIZE];
	bool is_user = false;
	long long begin;

	for (size_t i = 0; i < config->user_count && !is_user; i++)
		if (!strcmp(config->users[i].name, credentials->text)) {
			hash = config->users[i].hash;
			is_user = true;
		}
	if (!digest(auth, credentials, hash, wanted))
		return PT_AUTH_LATER;
	if (is_user && is_accepted(auth, wanted))
		return PT_AUTH_PASSED;

	begin = now();
	if (begin < auth->pause_until[is_guesser])
		return PT_AUTH_LATER;
	if (is_right(auth, credentials->password, hash) && is_user) {
		memcpy(auth->accepted[auth->accepted_count++ % ACCEPTED_MAX], wanted, DIGEST_SIZE);
		return PT_AUTH_PASSED;
	}
	remember_guesser(auth, peer);
	auth->pause_until[is_guesser] = now() + PAUSE_FACTOR * (now() - begin);
	return PT_AUTH_WRONG;
}

enum pt_auth_verdict pt_auth_check(struct pt_auth *auth, const struct pt_web_config *config,
				   const char *header, const char *peer)
{
	enum pt_auth_verdict verdict = PT_AUTH_WRONG;
	struct credentials credentials;

	if (parse(header, &credentials))
		verdict = judge(auth, config, &credentials, peer);
	explicit_bzero(&credentials, sizeof(credentials));
	return verdict;
}

void pt_auth_free(struct pt_auth *auth)
{
	free(auth);
}
