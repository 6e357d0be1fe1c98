/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The programs that podtag-install carries, so that it is one file that needs no other. */
#ifndef PT_PAYLOAD_H
#define PT_PAYLOAD_H

/* The plugin `podtag`, and `podtag-pass`, which takes its place at uninstall. */
extern const unsigned char pt_payload_podtag[], pt_payload_podtag_end[];
extern const unsigned char pt_payload_pass[], pt_payload_pass_end[];

#endif
