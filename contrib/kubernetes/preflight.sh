#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What a storage node must have, looked at from a privileged pod on it, on the host's
# network, with the node's / at $HOST (read only).  Changes nothing but loading
# modules.  Prints a line for each fault, ERROR: or WARNING:, and what to do; the last
# line is "preflight: done".  $DEVICES: words DEVICE, or DEVICE=destroy.
set -u
HOST=${HOST:-/host}
PROC=${PROC:-/proc}
SYS=${SYS:-/sys}
PORTS=${PORTS:-24007 24008 2222 49152-49251}
DEVICES=${DEVICES:-}

error() { echo "ERROR: $*"; }
warning() { echo "WARNING: $*"; }

# ---- ports that somebody else has

taken=$(cat "$PROC/net/tcp" "$PROC/net/tcp6" 2>/dev/null |
	awk '$4 == "0A" { sub(/.*:/, "", $2); print $2 }' | sort -u |
	while read -r hex; do echo $((0x$hex)); done)
for range in $PORTS; do
	low=${range%-*} high=${range#*-}
	for port in $taken; do
		[ "$port" -ge "$low" ] && [ "$port" -le "$high" ] || continue
		case $port in
		24007) error "port 24007 is taken: a glusterd runs on this node" \
			"already; stop and disable it (systemctl disable --now" \
			"glusterd), or use it by ssh (--ssh-keyfile)" ;;
		24008) error "port 24008 is taken: glusterd wants it for RDMA; find" \
			"who has it with: ss -ltnp sport = :24008" ;;
		2222) warning "port 2222 is taken: sshd of other gluster" \
			"containers has it; ours has none" ;;
		*) error "port $port is taken: bricks want $range; find who has it" \
			"with: ss -ltnp sport = :$port" ;;
		esac
	done
done

# ---- modules of the kernel

release=$(uname -r)
for module in dm_snapshot dm_mirror dm_thin_pool; do
	[ -d "$SYS/module/$module" ] && continue
	file=$(echo "$module" | tr _ -).ko
	grep -q "/$file\$" "$HOST/lib/modules/$release/modules.builtin" 2>/dev/null &&
		continue
	chroot "$HOST" modprobe "$module" 2>/dev/null && continue
	error "kernel module $module is not there: modprobe $module, and put it into" \
		"/etc/modules-load.d/brickyard.conf"
done

# ---- what mounts volumes, on every node that runs pods

[ -x "$HOST/sbin/mount.glusterfs" ] || [ -x "$HOST/usr/sbin/mount.glusterfs" ] ||
	warning "mount.glusterfs is not there, so pods on this node can't mount" \
		"volumes: install glusterfs-client (Debian) or glusterfs-fuse"

# ---- disks

for word in $DEVICES; do
	dev=${word%=destroy}
	say=error what="wipefs --all $dev, if nothing on it is wanted, or"
	what="$what \"destroydata\": true in the topology"
	if [ "$word" != "$dev" ]; then
		say=warning what="it will be overwritten, as the topology says"
	fi
	if [ ! -b "$dev" ]; then
		[ -d "$HOST$dev" ] && continue	# a directory, for trials
		error "$dev is no block device of this node: lsblk shows those it has"
		continue
	fi
	name=$(basename "$(readlink -f "$dev")")
	block=$SYS/class/block/$name
	if grep -q "^$(readlink -f "$dev") " "$PROC/1/mounts" "$PROC/mounts" 2>/dev/null; then
		error "$dev is mounted: umount it, and take it out of /etc/fstab"
		continue
	fi
	parts=$(find "$block/" -mindepth 1 -maxdepth 1 -name "$name*" 2>/dev/null | wc -l)
	if [ "$parts" -gt 0 ]; then
		$say "$dev has $parts partitions: $what"
		continue
	fi
	volumes=$(for h in "$block"/holders/*; do
		[ -e "$h/dm/name" ] && cat "$h/dm/name"; done | sed 's/-.*//' | sort -u | tr '\n' ' ')
	case $volumes in
	vg_????????????????????????????????*)
		error "$dev has bricks of heketi or Brickyard (${volumes% }): import" \
			"that one's state instead of loading a topology (README.md)," \
			"or remove them: vgremove ${volumes% }; pvremove $dev"
		continue ;;
	?*)	error "$dev is in use by ${volumes% }: remove that, or take another"
		continue ;;
	esac
	if [ "$(ls "$block/holders" 2>/dev/null | wc -l)" -gt 0 ]; then
		error "$dev is in use by $(ls "$block/holders" | tr '\n' ' ')"
		continue
	fi
	found=$(wipefs --noheadings --output TYPE,LABEL "$dev" 2>/dev/null | tr -s ' \n' ' ')
	[ -z "${found% }" ] || $say "$dev is not empty (${found% }): $what"
done
echo "preflight: done"
