// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* TLS for the agent's server, by OpenSSL. */
#include "agent/tls.h"

#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#include "agent/log.h"

/* Names the first of OpenSSL's errors, which is the cause, and forgets the others. */
static int fail(char *error, size_t size, const char *what, const char *value)
{
	const char *reason = ERR_reason_error_string(ERR_peek_error());

	snprintf(error, size, "%s: \"%s\": %s", what, value,
		 reason ? reason : strerror(ERR_GET_REASON(ERR_peek_error())));
	ERR_clear_error();
	return -1;
}

/* OpenSSL would ask the terminal. */
static int no_passphrase(char *buffer, int size, int is_writing, void *arg)
{
	(void)buffer;
	(void)size;
	(void)is_writing;
	(void)arg;
	return 0;
}

static int use_certificate(SSL_CTX *tls, const struct pt_web_config *config, char *error,
			   size_t size)
{
	SSL_CTX_set_default_passwd_cb(tls, no_passphrase);
	if (SSL_CTX_use_certificate_chain_file(tls, config->cert_file) != 1)
		return fail(error, size, "cert_file", config->cert_file);
	if (SSL_CTX_use_PrivateKey_file(tls, config->key_file, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(tls) != 1)
		return fail(error, size, "key_file", config->key_file);
	return 0;
}

static int any_certificate(int is_good, X509_STORE_CTX *store)
{
	(void)is_good;
	(void)store;
	return 1;
}

static int ask_clients(SSL_CTX *tls, const struct pt_web_config *config, char *error, size_t size)
{
	static const int modes[] = {
		[PT_CLIENT_NONE] = SSL_VERIFY_NONE,
		[PT_CLIENT_REQUEST] = SSL_VERIFY_PEER,
		[PT_CLIENT_REQUIRE_ANY] = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
		[PT_CLIENT_VERIFY_IF_GIVEN] = SSL_VERIFY_PEER,
		[PT_CLIENT_REQUIRE_AND_VERIFY] = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
	};
	const bool verifies = config->client_auth >= PT_CLIENT_VERIFY_IF_GIVEN;
	const char *file = config->client_ca_file;

	SSL_CTX_set_verify(tls, modes[config->client_auth], verifies ? NULL : any_certificate);
	if (!file)
		return 0;
	/* the names are for clients that have several certificates to choose from */
	if (SSL_CTX_load_verify_file(tls, file) != 1)
		return fail(error, size, "client_ca_file", file);
	SSL_CTX_set_client_CA_list(tls, SSL_load_client_CA_file(file));
	return 0;
}

static int choose_protocol(SSL_CTX *tls, const struct pt_web_config *config, char *error,
			   size_t size)
{
	/* TLS below 1.2 signs with SHA-1, which the usual level forbids */
	if (config->min_version < TLS1_2_VERSION)
		SSL_CTX_set_security_level(tls, 0);
	SSL_CTX_set_min_proto_version(tls, config->min_version);
	SSL_CTX_set_max_proto_version(tls, config->max_version);
	if (*config->ciphers && SSL_CTX_set_cipher_list(tls, config->ciphers) != 1)
		return fail(error, size, "cipher_suites", config->ciphers);
	if (*config->curves && SSL_CTX_set1_curves_list(tls, config->curves) != 1)
		return fail(error, size, "curve_preferences", config->curves);
	if (config->prefer_server_ciphers)
		SSL_CTX_set_options(tls, SSL_OP_CIPHER_SERVER_PREFERENCE);
	return 0;
}

/* Why a handshake failed. Anybody can make one fail, so nobody else than who debugs is told. */
static void on_info(const SSL *ssl, int where, int value)
{
	(void)ssl;
	if (where & SSL_CB_ALERT && strcmp(SSL_alert_desc_string(value), "CN") != 0)
		pt_agent_log(PT_LOG_DEBUG, "TLS: %s alert \"%s\"",
			     where & SSL_CB_READ ? "received" : "sent",
			     SSL_alert_desc_string_long(value));
}

SSL_CTX *pt_tls_new(const struct pt_web_config *config, char *error, size_t size)
{
	SSL_CTX *tls;

	/* a system's openssl.cnf would be one more file that changes what is served */
	OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	tls = SSL_CTX_new(TLS_server_method());
	if (!tls) {
		fail(error, size, "TLS", "OpenSSL");
		return NULL;
	}
	/* no renegotiation, no cache (tickets are kept by clients), no buffers while idle */
	SSL_CTX_set_options(tls, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_session_id_context(tls, (const unsigned char *)"podtag", 6);
	SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_info_callback(tls, on_info);
	if (choose_protocol(tls, config, error, size) ||
	    use_certificate(tls, config, error, size) || ask_clients(tls, config, error, size)) {
		SSL_CTX_free(tls);
		return NULL;
	}
	ERR_clear_error();
	return tls;
}

struct bufferevent *pt_tls_connection(SSL_CTX *tls, struct event_base *base)
{
	struct bufferevent *connection;
	SSL *ssl = SSL_new(tls);

	if (!ssl)
		return NULL;
	connection = bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING,
						    BEV_OPT_CLOSE_ON_FREE);
	if (!connection) {
		SSL_free(ssl);
		return NULL;
	}
	/* clients hang up without TLS's own goodbye; a request says itself where it ends */
	bufferevent_openssl_set_allow_dirty_shutdown(connection, 1);
	return connection;
}
