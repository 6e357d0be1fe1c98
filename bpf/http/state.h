/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What is kept of an HTTP/1 connection from one segment to the next. message.h moves a half,
 * connection.h what is around the halves. */
#ifndef PT_HTTP_STATE_H
#define PT_HTTP_STATE_H

#include <linux/types.h>

#define PT_HTTP_DEPTH 8 /* requests that may wait for their responses; a power of 2 */

enum pt_http_state {
	PT_HTTP_SYNC,   /* unknown: only the first byte of a segment may begin a message */
	PT_HTTP_FIRST,  /* at a message's first byte, or in those that tell what it is */
	PT_HTTP_LINE,   /* the same of a line of the head or of the trailers */
	PT_HTTP_REST,   /* in the rest of a line */
	PT_HTTP_LENGTH, /* in the value of Content-Length */
	PT_HTTP_SIZE,   /* in the size of a chunk */
	PT_HTTP_BODY,   /* length more bytes are no text */
	PT_HTTP_FILL,  /* all of a body was seen but not in order: ends when the holes are filled */
	PT_HTTP_CLOSE, /* in a body that ends with the connection */
	PT_HTTP_LOST,  /* in a body whose end cannot be told: it ends before the next message */
};

/* What the end of a line is looked at for. */
enum pt_http_rest { PT_REST_ANY, PT_REST_VERSION, PT_REST_CODING, PT_REST_SIZE };

/* How the body is framed, as far as the head has told. */
enum pt_http_framing {
	PT_BODY_NONE,
	PT_BODY_LENGTH,
	PT_BODY_CODED, /* by a transfer coding that is not chunked */
	PT_BODY_CHUNKED,
	PT_BODY_TRAILERS, /* behind the last chunk */
};

struct pt_http_half {
	__u32 next;     /* stream position of the first byte that is not parsed */
	__u32 seen;     /* the highest position at which a segment has ended */
	__u32 run;      /* from here to seen nothing is missing */
	__u32 hole;     /* the first byte that is, if has_holes */
	__u64 start_ns; /* when the first byte of the message came */
	__u64 length;   /* the number so far, then what is left of body or chunk */
	__u64 line[2];  /* the beginning of a line that is cut */
	__u64 tail;     /* the last 8 bytes of a line that is cut further on */
	__u32 head;     /* bytes of the head */
	__u32 begin;    /* stream position of the message */
	__u16 code;     /* enum pt_http_method or status of the message */
	__u8 state;     /* enum pt_http_state */
	__u8 rest;      /* enum pt_http_rest */
	__u8 framing;   /* enum pt_http_framing */
	__u8 gathered;  /* bytes in line */
	__u8 digits;    /* of a number: 0 before, 1 in, 2 behind them */
	__u8 has_holes; /* later bytes of this body came before earlier ones */
};

/* A newline in the window, and the text around it. */
struct pt_http_newline {
	__u64 before;     /* the 8 bytes in front of it */
	__u64 name;       /* the 8 behind it */
	__u64 more;       /* the next 8 */
	__u64 value;      /* the 8 behind LINE_NAME bytes */
	__u32 used;       /* bytes of the window up to and with it */
	__u32 count;      /* bytes in the window */
	__u32 is_crowded; /* there is another one in its word */
	__u32 pad;
};

/* What a step came upon, in this order. It is kept in the connection, because the verifier follows
 * all that is on the stack through every path, but nothing that is in a map. */
struct pt_http_found {
	struct pt_http_newline newline;
	__u8 side;    /* enum pt_http_side, given */
	__u8 method;  /* of the request that a response answers, given */
	__u8 begun;   /* the first bytes of a message; half->code tells which */
	__u8 ended;   /* its last byte */
	__u8 broken;  /* no HTTP/1, or none that can be followed */
	__u8 in_sync; /* it was known where messages begin */
	__u8 pad[2];
};

/* Which messages a direction has. */
enum pt_http_side { PT_SIDE_REQUESTS, PT_SIDE_RESPONSES };

struct pt_http_request {
	__u64 start_ns; /* when its first byte came, or went */
	__u32 position; /* stream position of that byte */
	__u16 index;    /* of the connection's requests */
	__u8 method;
	__u8 pad;
};

struct pt_http_conn {
	__u32 asked;     /* requests that were seen: the next one's index */
	__u32 answered;  /* those whose responses have ended */
	__u32 fetched;   /* those that the application has begun to read */
	__u32 lock;      /* of the direction that comes in; or which one, where they are few */
	__u64 first_ns;  /* first byte of the response that is running */
	__u64 last_ns;   /* last segment in the direction of the responses */
	__u16 status;    /* of the running response */
	__u8 requests;   /* enum pt_http_direction that they take */
	__u8 is_running; /* a response has begun and not ended; 2: one that answers nothing */
	__u8 is_opaque;  /* nothing more to be understood here */
	__u8 faults;
	__u8 closed_by; /* enum pt_http_by of who closed first, PT_BY_COUNT while nobody has */
	__u8 pad;
	struct pt_http_found found[2]; /* of the step that is being taken */
	struct pt_http_half half[2];
	struct pt_http_request waiting[PT_HTTP_DEPTH];
};

enum pt_http_direction { PT_IN, PT_OUT };

#endif
