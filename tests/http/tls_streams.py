# SPDX-License-Identifier: BSD-2-Clause
"""TLS by the C functions that podtag probes, called one by one; each stream has a socket's methods that
peer uses, and what only TLS has."""
import ctypes
import glob
import os
import select
import ssl
from ctypes import byref, c_int, c_long, c_size_t, c_ssize_t, c_void_p

# openssl/ssl.h
TLS_1_2, ENABLE_PARTIAL_WRITE, EARLY_DATA_ACCEPTED = 0x0303, 1, 2
ALLOW_CLIENT_RENEGOTIATION, NO_ANTI_REPLAY = 1 << 8, 1 << 24
GET_NUM_RENEGOTIATIONS, SET_MODE, SET_MAX_PROTO_VERSION = 10, 33, 124
WANT_READ, WANT_WRITE, ZERO_RETURN = 2, 3, 6
# gnutls/gnutls.h
AGAIN, INTERRUPTED = -28, -52
SERVER, CLIENT, NONBLOCK, CREDENTIALS_CERTIFICATE, X509_PEM, SHUT_WR = 1, 2, 8, 1, 1, 1


class Library:
    """Functions of a shared library, which return an int where nothing else is said."""

    def __init__(self, name, **returned):
        self.library, self.returned = ctypes.CDLL(name), returned

    def __getattr__(self, name):
        function = getattr(self.library, name)
        function.restype = self.returned.get(name, c_int)
        setattr(self, name, function)
        return function


class Stream:
    """What all have in common: the socket below. Options are those of peer."""

    def __init__(self, sock, options):
        self.sock, self.options = sock, options
        sock.setblocking("-p" not in options)

    def setsockopt(self, *what):
        self.sock.setsockopt(*what)

    def getpeername(self):
        return self.sock.getpeername()

    def fileno(self):
        return self.sock.fileno()

    def wait(self, to_write):
        both = ([], [self.sock], []) if to_write else ([self.sock], [], [])
        if not any(select.select(*both, 60)):
            raise TimeoutError

    def sendfile(self, file):
        self.sendall(file.read())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class OpenSSL(Stream):
    """SSL_read() and SSL_write(), or with is_ex their other forms."""

    L = context = None
    name, is_ex = "libssl.so.3", False
    session = None  # of the connection before

    def __init__(self, sock, options, is_server):
        super().__init__(sock, options)
        OpenSSL.L = OpenSSL.L or Library(
            self.name, TLS_method=c_void_p, SSL_CTX_new=c_void_p, SSL_new=c_void_p,
            SSL_get1_session=c_void_p, SSL_ctrl=c_long, SSL_CTX_ctrl=c_long)
        OpenSSL.context = OpenSSL.context or self.new_context(is_server)
        self.ssl, self.retries = c_void_p(self.L.SSL_new(self.context)), 0
        self.L.SSL_set_fd(self.ssl, sock.fileno())
        (self.L.SSL_set_accept_state if is_server else self.L.SSL_set_connect_state)(self.ssl)
        if OpenSSL.session:
            self.L.SSL_set_session(self.ssl, OpenSSL.session)

    def new_context(self, is_server):
        L, context = self.L, c_void_p(self.L.SSL_CTX_new(c_void_p(self.L.TLS_method())))
        if is_server:
            L.SSL_CTX_use_certificate_chain_file(context, os.environ["TLS_CERT"].encode())
            L.SSL_CTX_use_PrivateKey_file(context, os.environ["TLS_KEY"].encode(), 1)
            if not isinstance(self, BoringSSL):
                L.SSL_CTX_set_max_early_data(context, 16384)
        if "-2" in self.options:
            L.SSL_CTX_ctrl(context, SET_MAX_PROTO_VERSION, c_long(TLS_1_2), None)
        if "-p" in self.options:
            L.SSL_CTX_ctrl(context, SET_MODE, c_long(ENABLE_PARTIAL_WRITE), None)
        L.SSL_CTX_set_options(context, ctypes.c_uint64(ALLOW_CLIENT_RENEGOTIATION | NO_ANTI_REPLAY))
        return context

    def call(self, function, *arguments):
        """Again and again until it is done. Returns what it did, 0 for a close_notify."""
        while True:
            result = function(self.ssl, *arguments)
            if result > 0:
                return result
            error = self.L.SSL_get_error(self.ssl, result)
            if error not in (WANT_READ, WANT_WRITE):
                if error == ZERO_RETURN:
                    return 0
                raise OSError(f"{function.__name__}: SSL_get_error() is {error}")
            self.retries += error == WANT_WRITE
            self.wait(error == WANT_WRITE)

    def taken(self, function, data, size):
        """By a function that returns a size, or leaves one."""
        if not self.is_ex and "_ex" not in function.__name__:
            return self.call(function, data, c_int(size))
        count = c_size_t()
        return self.call(function, data, c_size_t(size), byref(count)) and count.value

    def recv(self, size):
        buffer = ctypes.create_string_buffer(size)
        count = self.taken(self.L.SSL_read_ex if self.is_ex else self.L.SSL_read, buffer, size)
        return buffer.raw[:count]

    def peek(self, size):
        buffer = ctypes.create_string_buffer(size)
        count = self.taken(self.L.SSL_peek_ex if self.is_ex else self.L.SSL_peek, buffer, size)
        return buffer.raw[:count]

    def sendall(self, data):
        buffer, at = ctypes.create_string_buffer(data, len(data)), 0
        while at < len(data):
            rest = c_void_p(ctypes.addressof(buffer) + at)
            at += self.taken(self.L.SSL_write_ex if self.is_ex else self.L.SSL_write, rest, len(data) - at)

    def early(self, data):
        """With the client's first flight, where a session before allows it."""
        if not self.session:
            self.sendall(data)
            return
        count = c_size_t()
        if self.L.SSL_write_early_data(self.ssl, data, c_size_t(len(data)), byref(count)) != 1:
            raise OSError("early data was not sent")
        self.call(self.L.SSL_connect)
        if self.L.SSL_get_early_data_status(self.ssl) != EARLY_DATA_ACCEPTED:
            raise OSError("early data was not taken")

    def take_early(self):
        """Returns what came so, once there is no more of it."""
        buffer, count, data = ctypes.create_string_buffer(16384), c_size_t(), b""
        while (result := self.L.SSL_read_early_data(self.ssl, buffer, c_size_t(16384), byref(count))) == 1:
            data += buffer.raw[:count.value]
        if result == 0:
            raise OSError("no early data can be read")
        self.call(self.L.SSL_accept)
        return data

    def shutdown(self, _):
        self.L.SSL_shutdown(self.ssl)

    def renew(self):
        """A renegotiation, or in TLS 1.3 other keys."""
        if "-2" in self.options:
            self.L.SSL_renegotiate(self.ssl)
        else:
            self.L.SSL_key_update(self.ssl, 1)
        self.call(self.L.SSL_do_handshake)

    def renegotiations(self):
        return self.L.SSL_ctrl(self.ssl, GET_NUM_RENEGOTIATIONS, c_long(0), None)

    def is_resumed(self):
        return bool(self.L.SSL_session_reused(self.ssl))

    def keep(self):
        OpenSSL.session = c_void_p(self.L.SSL_get1_session(self.ssl))

    def close(self):
        if self.ssl:
            self.L.SSL_free(self.ssl)
        self.ssl = None
        self.sock.close()


class OpenSSLEx(OpenSSL):
    is_ex = True


class BoringSSL(OpenSSL):
    """Debian's, of Android."""
    name = (glob.glob("/usr/lib/*/android/libssl.so.0") or [""])[0]


class GnuTLS(Stream):
    L = None

    def __init__(self, sock, options, is_server):
        super().__init__(sock, options)
        L = GnuTLS.L = GnuTLS.L or Library(
            "libgnutls.so.30", gnutls_record_recv=c_ssize_t, gnutls_record_send=c_ssize_t)
        self.session, credentials = c_void_p(), c_void_p()
        L.gnutls_certificate_allocate_credentials(byref(credentials))
        if is_server:
            L.gnutls_certificate_set_x509_key_file(
                credentials, os.environ["TLS_CERT"].encode(), os.environ["TLS_KEY"].encode(), X509_PEM)
        L.gnutls_init(byref(self.session), (SERVER if is_server else CLIENT) | (NONBLOCK if "-p" in options else 0))
        versions = b"NORMAL:-VERS-ALL:+VERS-TLS1.2" if "-2" in options else b"NORMAL"
        L.gnutls_priority_set_direct(self.session, versions, None)
        L.gnutls_credentials_set(self.session, CREDENTIALS_CERTIFICATE, credentials)
        L.gnutls_transport_set_int2(self.session, sock.fileno(), sock.fileno())
        self.is_greeted, self.retries = False, 0

    def call(self, function, *arguments, again=None):
        """Again and again until it is done, after the first time with other arguments, maybe."""
        while (result := function(self.session, *arguments)) in (AGAIN, INTERRUPTED):
            arguments = arguments if again is None else again
            is_write = self.L.gnutls_record_get_direction(self.session)
            self.retries += is_write
            self.wait(is_write)
        if result < 0:
            raise OSError(f"{function.__name__}: {result}")
        return result

    def greet(self):
        if not self.is_greeted:
            self.call(self.L.gnutls_handshake)
        self.is_greeted = True

    def recv(self, size):
        self.greet()
        buffer = ctypes.create_string_buffer(size)
        count = self.call(self.L.gnutls_record_recv, buffer, c_size_t(size))
        return buffer.raw[:count]

    def sendall(self, data):
        self.greet()
        buffer, at = ctypes.create_string_buffer(data, len(data)), 0
        while at < len(data):
            rest = c_void_p(ctypes.addressof(buffer) + at)
            at += self.call(self.L.gnutls_record_send, rest, c_size_t(len(data) - at),
                            again=(None, c_size_t(0)))

    def shutdown(self, _):
        self.L.gnutls_bye(self.session, SHUT_WR)

    def close(self):
        if self.session:
            self.L.gnutls_deinit(self.session)
        self.session = None
        self.sock.close()


def python(sock, _, is_server):
    """Python's own, which calls SSL_read_ex() and SSL_write_ex()."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if is_server else ssl.PROTOCOL_TLS_CLIENT)
    if is_server:
        context.load_cert_chain(os.environ["TLS_CERT"], os.environ["TLS_KEY"])
    else:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(sock, server_side=is_server, suppress_ragged_eofs=False)


LIBRARIES = {"openssl": OpenSSL, "openssl-ex": OpenSSLEx, "boringssl": BoringSSL, "gnutls": GnuTLS, "python": python}
