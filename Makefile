# SPDX-License-Identifier: BSD-2-Clause
VERSION := 0.1.0
CC      ?= cc
CLANG   ?= clang
BPFTOOL ?= $(shell PATH=$$PATH:/usr/sbin command -v bpftool || echo bpftool)
PREFIX  ?= /usr/local
CNI_BIN ?= /opt/cni/bin
WERROR  ?= -Werror
MINUTES ?= 30
CFLAGS  ?= -O2 -g

HOST  := $(shell uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')
ARCH  ?= $(HOST)
CROSS := $(filter-out $(HOST),$(ARCH))
B     := build$(if $(CROSS),-$(ARCH))$(if $(SAN),-san)$(if $(FUZZ),-fuzz)
DEPS  := build$(if $(CROSS),-$(ARCH))/deps
INC   := /usr/include/$(shell $(CC) -print-multiarch 2>/dev/null)
ifneq ($(CROSS),)
ifneq ($(CROSS),arm64)
$(error ARCH=$(ARCH): what can be built here is $(HOST) and arm64)
endif
ifneq ($(filter test test-vm demo fuzz bench soak lint,$(MAKECMDGOALS)),)
$(error ARCH=$(ARCH) runs nowhere here but in `make test-vm KERNEL=$(ARCH)`)
endif
CC  := aarch64-linux-gnu-gcc
INC := /usr/aarch64-linux-gnu/include
endif
SANITIZE := $(if $(SAN)$(FUZZ),-fsanitize=address -fsanitize=undefined -fno-sanitize-recover=undefined)
ifneq ($(FUZZ),)
CC       := $(CLANG)
SANITIZE += -fsanitize=fuzzer-no-link
endif
# The sanitizers' runtime cannot be linked statically.
STATIC := $(if $(SAN),,-static)
override CFLAGS += -std=gnu11 -D_GNU_SOURCE -DPODTAG_VERSION='"$(VERSION)"' -Wall -Wextra -Wshadow \
	-Wmissing-prototypes -Wno-missing-field-initializers $(WERROR) -MMD -MP -I. -I$B \
	-isystem $(DEPS)/include $(SANITIZE)
BPF_CFLAGS := -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Wno-unused-parameter $(WERROR) -MMD -MP \
	-I. -D__TARGET_ARCH_$(ARCH) -isystem $(INC)
CNI_LIBS   := -lbpf -lelf -lz -ljansson -L$(DEPS)/lib -lmnl
# libevent's resolver warns in a static link; the agent takes numeric addresses and never calls it.
AGENT_LIBS := -Wl,--no-warnings -lbpf -lelf -lz -ljansson -levent_openssl -levent_extra -levent_core \
	-L$(DEPS)/lib -lmnl -lssl -lcrypto -lcrypt -lyaml

ifneq ($(V),1)
Q   := @
msg  = @printf '  %-5s %s\n' $(1) $@;
endif

OBJ   = $(patsubst %.c,$B/%.o,$(sort $(filter-out %.bpf.c,$(wildcard $(1)/*.c))))
LIB  := $(call OBJ,bpf) $(call OBJ,top) $(filter-out %/main.o,$(call OBJ,cni) $(call OBJ,agent)) $B/install/conflist.o
BPF  := $(patsubst %.bpf.c,$B/%.bpf.o,$(sort $(wildcard bpf/*.bpf.c bpf/*/*.bpf.c)))
TESTS = $(patsubst %.c,$B/%,$(sort $(wildcard tests/$(1)/test_*.c)))
FUZZERS := $(patsubst %.c,$B/%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
TOOLS := $(patsubst %.c,$B/%,$(sort $(wildcard tests/lib/*.c)))
PEERS := $(patsubst %.c,$B/%,$(wildcard tests/http/*.c)) $B/tests/http/one-piece/libssl.so.3
GO    := $(patsubst %,$B/tests/http/%,load serve serve-stripped)
REFERENCE := $B/tests/docs/page
BENCH := $(patsubst %,$B/tests/bench/%,empty empty.bpf.o tls_calls)

VM_BUILT := tests-built $(if $(filter arm64,$(or $(KERNEL),arm64)),tests-built-arm64)

all: $B/podtag $B/podtag-agent $B/podtag-install ## build the plugin, the agent and the installer

deps: $(DEPS)/stamp                     ## install what the build needs (Debian, as root)
$(DEPS)/stamp: install/deps.sh
	$(Q)install/deps.sh build $(DEPS) $(CROSS)
	$(Q)touch $@
test-deps: build/deps/test-stamp
test-vm-deps: build/deps/test-vm-stamp
lint-deps: build/deps/lint-stamp
build/deps/%-stamp: install/deps.sh
	$(Q)install/deps.sh $* $(DEPS)
	$(Q)touch $@

$B/podtag: $(call OBJ,cni) $(call OBJ,top) $(call OBJ,bpf)
	$(call msg,LINK)$(CC) $(CFLAGS) $(STATIC) $(LDFLAGS) $^ $(CNI_LIBS) -o $@
# The agent adopts pods by the plugin's own ADD.
$B/podtag-agent: $(call OBJ,agent) $(filter-out %/main.o $B/cni/cli%,$(call OBJ,cni)) $(call OBJ,bpf)
	$(call msg,LINK)$(CC) $(CFLAGS) $(STATIC) $(LDFLAGS) $^ $(AGENT_LIBS) -o $@
# What both need of cni/ has nothing of BPF in it.
INSTALL_CNI := $(patsubst %,$B/cni/%.o,conf env error io log name options span text)
$B/podtag-pass: $B/install/pass.o $(INSTALL_CNI)
	$(call msg,LINK)$(CC) $(CFLAGS) $(STATIC) $(LDFLAGS) $^ -ljansson -L$(DEPS)/lib -o $@
$B/podtag-install: $(filter-out %/pass.o,$(call OBJ,install)) $(INSTALL_CNI)
	$(call msg,LINK)$(CC) $(CFLAGS) $(STATIC) $(LDFLAGS) $^ -ljansson -L$(DEPS)/lib -o $@
$B/install/payload.o: $B/podtag $B/podtag-pass
$B/install/payload.o: override CFLAGS += -DPODTAG_FILE='"$B/podtag"' -DPASS_FILE='"$B/podtag-pass"'
# The page goes into the agent as it is and compressed.
PAGE := $(wildcard agent/page/*)
$B/agent/files.o: $(PAGE) $(PAGE:%=$B/%.gz)
$B/agent/files.o: override CFLAGS += -DPAGE_ZIPPED='"$B/agent/page"'
$B/agent/page/%.gz: agent/page/%
	$(call msg,GZIP)mkdir -p $(@D) && gzip -9nc $< > $@
$B/tests/lib/%: $B/tests/lib/%.o
	$(call msg,LINK)$(CC) $(CFLAGS) $(STATIC) $(LDFLAGS) $^ $(CNI_LIBS) -o $@
$B/tests/http/%: $B/tests/http/%.o
	$(call msg,LINK)$(CC) $(CFLAGS) $(STATIC) $(LDFLAGS) -Wl,--no-warnings $^ -lssl -lcrypto -o $@
# OpenSSL as linkers made it before 2018, and make it on arm64: code and what is only read in one segment.
$B/tests/http/one-piece/libssl.so.3:
	$(call msg,LINK)mkdir -p $(@D) && $(CC) -shared -L$(DEPS)/lib -Wl,-z,noseparate-code \
		-Wl,--whole-archive -l:libssl.a -Wl,--no-whole-archive -lcrypto -o $@
	$(Q)readelf -lW $@ | grep -m 1 LOAD | grep -q 'R E'
# The fuzzer is to look for new paths through podtag, not through its tests.
$B/tests/fuzz/%.o: override CFLAGS := $(filter-out -fsanitize=fuzzer-no-link,$(CFLAGS))
# ... but this one includes what it tests.
$B/tests/fuzz/fuzz_http1.o: override CFLAGS += -fsanitize=fuzzer-no-link
# What stands for the kernel in one target, instead of podtag's function or libc's.
$B/tests/fuzz/fuzz_cni: WRAP := access open pt_datapath_load pt_datapath_lock pt_deadline_start \
	pt_deadline_stop pt_link_find pt_netns_is_own pt_netns_open pt_spawn_load pt_tc_attach_clsact \
	pt_tc_attach_tcx pt_tc_clsact_is_attached pt_tc_reap pt_tc_retire_tcx pt_tc_tcx_is_attached
$B/tests/fuzz/fuzz_options: WRAP := fopen
$B/tests/fuzz/fuzz_netlink: WRAP := mnl_attr_get_str mnl_attr_get_u32 mnl_cb_run recv send setns
$B/tests/fuzz/fuzz_%: $B/tests/fuzz/fuzz_%.o $(patsubst %,$B/tests/fuzz/%.o,fuzz kernel) $(LIB)
	$(call msg,LINK)$(CC) $(CFLAGS) -fsanitize=fuzzer $(LDFLAGS) $(WRAP:%=-Wl,--wrap=%) $^ \
		$(AGENT_LIBS) -o $@
$B/tests/%: $B/tests/%.o $(LIB)
	$(call msg,LINK)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(AGENT_LIBS) -lcmocka -o $@

# Programs in Go; and one as packages have it, without symbols and at any address.
GO_BUILD = $(call msg,GO)GOCACHE=$(CURDIR)/build/go GO111MODULE=off CGO_ENABLED=0 \
	GOARCH=$(subst x86,amd64,$(ARCH)) go build -o $@
$B/tests/http/%-stripped: tests/http/%.go
	$(GO_BUILD) -buildmode=pie -ldflags='-s -w' $<
$B/tests/http/%: tests/http/%.go
	$(GO_BUILD) $<

$B/%.o: %.c | $B/podtag.skel.h
	$(call msg,CC)mkdir -p $(@D) && $(CC) $(CFLAGS) -c $< -o $@
$B/podtag.skel.h: $B/podtag.bpf.o
	$(call msg,SKEL)$(BPFTOOL) gen skeleton $< name podtag_bpf > $@
$B/podtag.bpf.o: $(BPF)
	$(call msg,BPFLD)$(BPFTOOL) gen object $@ $^
$B/%.bpf.o: %.bpf.c | $(DEPS)/stamp
	$(call msg,BPF)mkdir -p $(@D) && $(CLANG) $(BPF_CFLAGS) -c $< -o $@

test: deps test-deps                    ## install what the tests need and run every test, as root
	$(Q)$(MAKE) --no-print-directory tests-built
	$(Q)$(MAKE) --no-print-directory FUZZ=1 fuzz-built
	$(Q)tests/run
test-vm: deps test-vm-deps              ## the same on every kernel, or KERNEL=6.1, in QEMU
	$(Q)$(MAKE) --no-print-directory $(VM_BUILT)
	$(Q)tests/vm/run $(KERNEL)
verifier-table: deps test-vm-deps       ## announce what the programs cost each kernel's verifier
	$(Q)$(MAKE) --no-print-directory $(VM_BUILT)
	$(Q)tests/vm/verifier-table $(KERNEL)
tests-built: all image $(call TESTS,unit) $(call TESTS,bpf) $(TOOLS) $(PEERS) $(GO) $(REFERENCE) variant $(if $(CROSS),,$B/previous/stamp)
tests-built-arm64:
	$(Q)$(MAKE) --no-print-directory ARCH=arm64 tests-built
variant: all                            # the same as another BPF object with another version
	$(Q)$(MAKE) --no-print-directory B=$B/variant CLANG='$(CLANG) -include tests/lib/variant.h' \
		VERSION=99.0.0 $B/variant/podtag $B/variant/podtag-install
# The newest revision with other maps than now: what an upgrade may find on a node.
PREVIOUS := abcfaf6
$B/previous/stamp: tests/lib/previous | $(DEPS)/stamp
	$(call msg,OLD)tests/lib/previous $(PREVIOUS) $(@D) $(DEPS) && touch $@
demo: deps                              ## pods, traffic with loss, and what podtag sees of it
	$(Q)install/deps.sh demo $(DEPS)
	$(Q)$(MAKE) --no-print-directory all $(TOOLS)
	$(Q)tests/demo
fuzz: deps test-deps                    ## hostile input, SECONDS each (60); TARGET=name for one
	$(Q)$(MAKE) --no-print-directory FUZZ=1 fuzz-built
	$(Q)tests/fuzz/run $(or $(SECONDS),60) $(TARGET)
fuzz-built: $(FUZZERS)
fuzz-merge:                             ## take what make fuzz found into tests/fuzz/corpus
	$(Q)tests/fuzz/run merge $(TARGET)
bench: deps test-deps                   ## measure, and write docs/benchmarks.md
	$(Q)install/deps.sh bench $(DEPS)
	$(Q)$(MAKE) --no-print-directory all $(TOOLS) $(BENCH)
	$(Q)tests/bench/run
soak: deps test-deps                    ## MINUTES (30) of pods that come and go, and what is left
	$(Q)$(MAKE) --no-print-directory all $(TOOLS)
	$(Q)MINUTES=$(MINUTES) tests/soak/run
docs: deps $(REFERENCE)                 ## write docs/metrics.md's families, and what the chart has copies of
	$(Q)$(REFERENCE) >$(REFERENCE).txt && tests/docs/reference write $(REFERENCE).txt
	$(Q)cp install/grafana/*.json install/helm/podtag/dashboards/
	$(Q)cp install/prometheus/podtag.rules.yaml install/helm/podtag/
lint: deps lint-deps                    ## formatting, static analysis, shell scripts
	$(Q)$(MAKE) --no-print-directory $B/podtag.skel.h
	$(Q)tests/lint
install: all                            ## honours DESTDIR, PREFIX, CNI_BIN
	install -D -m 0755 $B/podtag $(DESTDIR)$(CNI_BIN)/podtag
	install -D -m 0755 $B/podtag-agent $(DESTDIR)$(PREFIX)/sbin/podtag-agent
	install -D -m 0755 $B/podtag-install $(DESTDIR)$(PREFIX)/sbin/podtag-install
	install -D -m 0644 -t $(DESTDIR)$(PREFIX)/share/man/man8 docs/man/*.8
# What the runtime keeps at /var/run is at /run: one mount of a pod's shows it under both names.
image: $B/podtag-image.tar              ## the container image, as an OCI archive build/podtag-image.tar
$B/podtag-image.tar: $B/podtag $B/podtag-agent $B/podtag-install install/oci-image
	$(call msg,OCI)install/oci-image --arch $(ARCH) --entrypoint /podtag-agent --link /var/run=/run \
		--label title=podtag --label version=$(VERSION) --label 'licenses=GPL-2.0-only OR BSD-2-Clause' \
		--label 'description=Telemetry for Kubernetes pods: CNI plugin, agent and installer' \
		localhost/podtag:$(VERSION) $@ $(foreach p,podtag podtag-agent podtag-install,$B/$p:/$p)
clean:                                  ## remove the build folders
	rm -rf build build-san build-fuzz build-arm64
help:                                   ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## */  \1\t/p' Makefile | expand -t 19

.PHONY: all deps test-deps test-vm-deps lint-deps test test-vm verifier-table tests-built tests-built-arm64 \
	variant demo fuzz fuzz-built fuzz-merge bench soak docs lint install image clean help
.DELETE_ON_ERROR:
.SECONDARY:
-include $(shell find $B -path $B/vm -prune -o -path $(DEPS) -prune -o -name '*.d' -print 2>/dev/null)
