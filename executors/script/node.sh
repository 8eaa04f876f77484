# SPDX-License-Identifier: GPL-2.0-or-later
# What an operator should know of a node before it is used, and what is on it.

# node_say CHECK VERDICT TEXT [REMEDY]
N_FIRST=1
node_say() {
	[ "$N_FIRST" = 1 ] || printf '@BY %s next\n' "$BY_NONCE"
	N_FIRST=0
	by_result check "$1"
	by_result verdict "$2"
	n_text=$3
	while :; do
		case $n_text in
		*"
"*) n_text="${n_text%%
*} ${n_text#*
}" ;;
		*) break ;;
		esac
	done
	by_result text "$n_text"
	[ "$2" = ok ] || by_result remedy "$4"
}

# node_tool CHECK TOOL PACKAGE VERSION-COMMAND...
node_tool() {
	by_at "$2 on this node"
	n_check=$1
	n_tool=$2
	n_package=$3
	shift 3
	if ! command -v "$n_tool" >/dev/null; then
		node_say "$n_check" failed "$n_tool is not on this node (looked for in $PATH)" \
			"install $n_package"
		return
	fi
	n_version=
	if [ $# -gt 0 ] && by_try "$@"; then
		while read -r n_line; do
			case $n_line in
			Incompatible*) ;;
			*[0-9]*)
				n_version=$n_line
				break
				;;
			esac
		done <<-END
		$BY_OUT
		END
	fi
	node_say "$n_check" ok "$n_tool: ${n_version:-there}"
}

node_root() {
	n_id=$(id -u)
	if [ "$n_id" = 0 ]; then
		node_say root ok "scripts run as root"
	else
		node_say root failed "scripts run as user $n_id, not as root" \
			"log in as root, or set sudo to true and let the user run sh through sudo without a password"
	fi
}

# The node's time when this began, and the seconds since then: how long it was
# under way, and so whether that was right, is the host's to tell.
node_clock() {
	by_clock
	printf '@BY %s next\n@BY %s data clock\n%s %s\n@BY %s .\n' "$BY_NONCE" \
		"$BY_NONCE" "$n_began" $((n_left - BY_LEFT)) "$BY_NONCE"
}

node_glusterd() {
	command -v gluster >/dev/null || return 0
	by_at 'gluster pool list'
	if gl_try pool list; then
		node_say glusterd ok "glusterd answers"
	else
		node_say glusterd failed "glusterd does not answer: $BY_OUT" \
			"systemctl enable --now glusterd"
	fi
}

# Loaded, built in, or there to be loaded?  A module that is built in may show only
# in what it does.
node_module() {
	n_name=$(echo "$1" | tr - _)
	by_at "module $1"
	if [ -d "/sys/module/$n_name" ] || grep -qsw "$1" /proc/filesystems ||
		grep -qs "/$1\.ko" "/lib/modules/$(uname -r)/modules.builtin" ||
		{ by_try dmsetup targets && printf '%s\n' "$BY_OUT" | grep -q "^${1#dm-} "; }; then
		node_say "$1" ok "module $1 is in the kernel"
	elif by_try modprobe -n "$1"; then
		node_say "$1" ok "module $1 can be loaded"
	else
		node_say "$1" "$2" "module $1 is not in this kernel ($(uname -r)): $BY_OUT" "$3"
	fi
}

# node_space DIR MIB
node_space() {
	[ -d "$1" ] || return 0
	n_stat=$(stat -f -c '%a %S' "$1") || return 0
	n_mib=$((${n_stat% *} * ${n_stat#* } / 1048576))
	if [ "$n_mib" -ge "$2" ]; then
		node_say space ok "$1 has $n_mib MiB free"
	else
		node_say space warning "$1 has $n_mib MiB free" \
			"make room: glusterd and the fences write there ($2 MiB or more)"
	fi
}

node_fstab() {
	n_real=$(readlink -f "$BY_FSTAB") || n_real=$BY_FSTAB
	if [ -w "$n_real" ] || { [ ! -e "$n_real" ] && [ -w "${n_real%/*}" ]; }; then
		node_say fstab ok "$BY_FSTAB can be written"
	else
		node_say fstab failed "$BY_FSTAB can't be written" \
			"mount its filesystem writable, or set fstab to a file that is kept and mounted from at boot"
	fi
}

node_state() {
	if (mkdir -p "$BY_STATE/fences" "$BY_LOCK" && : >>"$BY_LOCK/node.lock") 2>/dev/null; then
		node_say state ok "$BY_STATE and $BY_LOCK can be written"
	else
		node_say state failed "$BY_STATE or $BY_LOCK can't be written" \
			"make them writable, or set state_dir and lock_dir"
	fi
}

node_probe() {
	n_began=$(date +%s)
	by_clock
	n_left=$BY_LEFT
	node_say login ok "the node runs scripts (${BY_SHELL:-sh}, $(uname -srm))"
	node_root
	node_tool flock flock util-linux flock --version
	node_tool blkid blkid util-linux blkid --version
	node_tool wipefs wipefs util-linux wipefs --version
	node_tool mkfs mkfs.xfs xfsprogs mkfs.xfs -V
	if [ -z "$BY_LVM_WRAPPED" ]; then
		node_tool lvm lvm lvm2 lvm version
		node_tool thin thin_check 'thin-provisioning-tools (device-mapper-persistent-data)' thin_check --version
	elif by_try by_exec "$BY_LVM" version; then
		node_say lvm ok "lvm, through the wrapper: $(printf '%s\n' "$BY_OUT" | sed -n '1s/^ *//p')"
	else
		node_say lvm failed "lvm, through the wrapper: $BY_OUT" "look at lvm_wrapper, and install lvm2 there"
	fi
	node_tool gluster gluster glusterfs-server gluster --version
	node_glusterd
	n_do="install the kernel's extra modules; without it only directories can be devices"
	node_module dm-thin-pool warning "$n_do"
	node_module dm-snapshot warning "$n_do"
	node_module xfs failed "install the kernel's module for XFS"
	node_fstab
	node_state
	node_space /var/lib 1024
	node_clock
}

# ---- what is on it, for comparing

node_block() {
	printf '@BY %s data %s\n' "$BY_NONCE" "$1"
	cat
	printf '\n@BY %s .\n' "$BY_NONCE"
}

node_report() {
	by_at "$1"
	n_verb=$1
	if [ -n "$BY_LVM_CONFIG" ]; then
		set -- --config "$BY_LVM_CONFIG"
	else
		shift
	fi
	by_exec "$BY_LVM" "$n_verb" "$@" --reportformat json --units k </dev/null \
		2>/dev/null | node_block "$n_verb"
}

# Without what is said twice.  Of more than the host takes, the volumes alone.
node_volumes() {
	n_less='s,<brick uuid="[^"]*">[^<]*,<brick>,g'
	[ "${#G_XML}" -lt 150000 ] || n_less='s,<bricks>.*</bricks>,,; s,<options>.*</options>,,'
	printf '%s\n' "$G_XML" | tr '\n' ' ' | sed 's,<volume>,\n<volume>,g' |
		sed "$n_less" | sed 's,>  *<,><,g' | node_block volumes
}

node_examine() {
	node_report pvs
	node_report vgs
	node_report lvs
	by_at mounts
	mount </dev/null | node_block mounts
	by_at "fstab $BY_FSTAB"
	[ ! -r "$BY_FSTAB" ] || node_block fstab <"$BY_FSTAB"
	by_at 'gluster volume info'
	gl_fetch volume info || by_fail 'gluster volume info'
	node_volumes
	command -v gluster-block >/dev/null || return 0
	n_volumes=$(printf '%s\n' "$G_XML" | tr '<' '\n' |
		awk '/^volume>/ { new = 1 } /^name>/ && new { print substr($0, 6); new = 0 }')
	for n_volume in $n_volumes; do
		case $n_volume in
		*[!A-Za-z0-9_.-]*) continue ;;
		esac
		by_at "gluster-block list $n_volume"
		by_try gluster-block list "$n_volume" --json || continue
		printf '%s\n' "$BY_OUT" | tr -d ' \n' |
			sed -n 's/.*"blocks":\[\([^]]*\)\].*/\1/p' | tr ',' '\n' | tr -d '"' |
			while read -r n_block; do
				[ -z "$n_block" ] || {
					printf '@BY %s next\n' "$BY_NONCE"
					by_result volume "$n_volume"
					by_result block "$n_block"
				}
			done
	done
}
