# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: BSD-2-Clause
# The kernels to test on, and all that differs between them and between architectures: a row is
# added here and nowhere else.

# "KERNEL SUITE ARCH": the release as in `make test-vm KERNEL=6.1`, or the machine where it is not like
# this one; whose Debian has it, Debian's word for the machine. The longest of them early, since two run at once.
ROWS=(
	"5.10 bullseye amd64"
	"arm64 trixie  arm64"
	"6.1  bookworm amd64"
	"6.12 trixie   amd64"
	"7.2  sid      amd64"
)

# Sets SUITE, ARCH and what follows from them: KERNEL_PACKAGE and KERNEL_PARTS, the package and which of
# its dependencies to unpack; QEMU_PACKAGE, from QEMU_SUITE, which of its dependencies, the program
# and its options; BOOT_OPTIONS, the kernel's; ROOTS, the folders that are laid one over the other as
# the guest's root, some of them in CACHE; BUILD, the folder that has the tests; SUITES, which to run, and
# LEFT_OUT, why not the others.
row() # KERNEL
{
	local line kernel
	for line in "${ROWS[@]}"; do
		read -r kernel SUITE ARCH <<<"$line"
		[[ $kernel == "$1" ]] && machine && return
	done
	echo "no kernel $1: there are native ${ROWS[*]%% *}" >&2
	return 1
}

machine()
{
	# from 7.x on the image and its modules are packages of their own
	KERNEL_PARTS='linux-(image|base|binary|modules)-[0-9].*'
	# Debian 12's QEMU 7.2 corrupts guests at random from kernel 6.12 on
	QEMU_SUITE=bookworm-backports
	LEFT_OUT='' LEFT=()
	case $ARCH in
	amd64)
		KERNEL_PACKAGE=linux-image-cloud-amd64
		QEMU_PACKAGE=qemu-system-x86
		QEMU_PARTS='qemu-system-(x86|data)|seabios'
		QEMU=qemu-system-x86_64
		# with "fast" string instructions kernels copy and clear byte by byte, which takes an emulator
		# half of its time; without AVX libc's functions are of fewer steps for it
		QEMU_OPTIONS=(-machine "q35,memory-backend=ram" -cpu "max,-erms,-fsrm,-avx,-avx2")
		# a busy host is late with the timer, at which a kernel would give up; and against speculation,
		# which an emulator has none of, this kernel would go each indirect call's long way round
		BOOT_OPTIONS="console=ttyS0 no_timer_check mitigations=off"
		ROOTS=(/)
		BUILD=build
		SUITES=(bpf/)
		;;
	arm64)
		KERNEL_PACKAGE=linux-image-cloud-arm64
		QEMU_PACKAGE=qemu-system-arm
		QEMU_PARTS='qemu-system-(arm|data)'
		QEMU=qemu-system-aarch64
		# "max" signs pointers, which takes a third of the time
		QEMU_OPTIONS=(-machine "virt,memory-backend=ram" -cpu neoverse-n1)
		BOOT_OPTIONS=console=ttyAMA0
		# the tests' programs over this machine's own root: the scripts see one like it
		ROOTS=("$CACHE/root-arm64" /)
		BUILD=build-arm64
		SUITES=(unit/ bpf/)
		;;
	esac
	# there are two sets of HTTP programs: those of 5.10, and those of all later kernels
	[[ $kernel == 5.10 ]] || leave_out "the same programs as natively" http_messages
	leave_out "asks nothing of a kernel" chart dashboards
	[[ ! ${PT_VM_BRIEF-} ]] || brief
	end_to_end
}

# What asks something of a kernel stays: in each row bpf/, and of the rest what its kernel does otherwise than
# the next one and the native one. 5.10 has retransmits and HTTP by older means, 6.1 has the HTTP programs of
# all later kernels on the older hooks, 6.12 and 7.2 are hosts with cgroup v2 alone, arm64 has other registers
# and 6.12's kernel.
brief()
{
	local -A not=(
		[5.10]="containerd http_load http_messages"
		[6.1]="containerd http_load http_loss retransmits tls_go"
		[6.12]="http http_load http_loss tls"
		[7.2]="http_load http_loss retransmits tls tls_go"
		[arm64]="containerd http http_load http_loss retransmits"
	)
	leave_out "brief: mostly userspace, the same as natively" adopt adopt_races agent chains image install \
		install_broken install_node page previous prometheus storm top top_live upgrade verbs web
	leave_out "brief: asks the parser, the same as natively" http_hostile http_programs http_times
	# shellcheck disable=SC2086
	leave_out "brief: as natively or in another row" ${not[$kernel]}
	leave_out "brief: documentation, the same as natively" docs
	[[ $kernel != 5.10 ]] || leave_out "brief: no allocator for BPF in 5.10, so no TLS" tls tls_go
	leave_out "brief: the same programs as in tls" tls_agent tls_found tls_harm tls_load tls_sessions tls_unseen tls_wish
}

# What a row does for long, and other rows do with the same BPF object.
leave_out() # WHY END-TO-END-TEST...
{
	LEFT+=("${@:2}")
	LEFT_OUT+="${LEFT_OUT:+; }${*:2}: $1"
}

# Adds what is not left out.
end_to_end()
{
	local file
	for file in "$VM"/../e2e/test_*.sh; do
		file=${file##*/test_}
		[[ " ${LEFT[*]} " == *" ${file%.sh} "* ]] || SUITES+=("e2e/test_$file")
	done
}
