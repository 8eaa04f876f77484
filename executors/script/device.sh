# SPDX-License-Identifier: GPL-2.0-or-later
# Devices: what is on this disk, and making it ours.  D_NAME, D_ID, D_VG, D_UUID
# (as recorded), D_OURS (the UUID that a physical volume of ours gets), D_PATHS,
# D_KIND, D_DESTROY and D_GOES (the UUID of a physical volume that may go) come from
# the host.

D_REFUSED="Initializing device $D_NAME failed (already initialized or contains data?): "
D_PV="Initializing device $D_NAME failed (aleady contains Physical Volume"

dev_is_directory() {
	case $D_KIND in
	1) return 1 ;;
	2) return 0 ;;
	esac
	[ -d "$D_NAME" ]
}

# ---- who uses it

# dev_used MAJ:MIN WHAT
dev_used() {
	d_sys=/sys/dev/block/$1
	if mount_of "$1"; then
		D_BUSY="$2is mounted at $M_AT"
		return 0
	fi
	while read -r d_swap d_rest; do
		if [ "$(dev_number "$d_swap")" = "$1" ]; then
			D_BUSY="$2is used as swap"
			return 0
		fi
	done </proc/swaps 2>/dev/null
	for d_holder in "$d_sys"/holders/*; do
		[ -e "$d_holder" ] || continue
		d_dm=
		d_uuid=
		[ ! -r "$d_holder/dm/name" ] || read -r d_dm <"$d_holder/dm/name"
		[ ! -r "$d_holder/dm/uuid" ] || read -r d_uuid <"$d_holder/dm/uuid"
		case $d_uuid in
		mpath-*) D_BUSY="$2is a path of the multipath device $d_dm: add /dev/mapper/$d_dm instead; it" ;;
		*) D_BUSY="$2is in use by ${d_holder##*/}${d_dm:+, $d_dm}" ;;
		esac
		return 0
	done
	return 1
}

dev_find_users() {
	D_BUSY=
	dev_used "$D_NUMBER" '' && return
	for d_part in "/sys/dev/block/$D_NUMBER"/*/partition; do
		[ -e "$d_part" ] || continue
		d_part=${d_part%/partition}
		read -r d_number <"$d_part/dev" || continue
		dev_used "$d_number" "has a partition ${d_part##*/} that " && return
	done
}

# ---- what it holds

dev_blkid() {
	echo "$BY_OUT" | sed -n "s/^$1=//p" | head -n 1
}

# D_HOLDS in words, "" for a clean one; D_PVUUID of a physical volume.
dev_find_contents() {
	D_HOLDS=
	D_PVUUID=
	command -v blkid >/dev/null ||
		by_die 1 "Initializing device $D_NAME failed (failed to check device contents): blkid is not on this node: install util-linux"
	by_at "blkid $D_REAL"
	by_try blkid -p -o export "$D_REAL"
	case $BY_RC in
	0) ;;
	2)
		[ -z "$BY_OUT" ] || by_fail "blkid $D_REAL"
		return
		;;
	8)
		D_HOLDS='signatures of several kinds'
		return
		;;
	*) by_fail "blkid $D_REAL" ;;
	esac
	d_type=$(dev_blkid TYPE)
	d_uuid=$(dev_blkid UUID)
	d_table=$(dev_blkid PTTYPE)
	d_usage=$(dev_blkid USAGE)
	d_a=a
	case $d_type in
	[aeioux]*) d_a=an ;;
	esac
	case $d_type in
	LVM2_member)
		D_PVUUID=${d_uuid:-unknown}
		D_HOLDS="an LVM physical volume (UUID $D_PVUUID)"
		;;
	mpath_member)
		D_BUSY='is a path of a multipath device: add that one (/dev/mapper/...) instead; it'
		;;
	?*)
		if [ "$d_usage" = filesystem ]; then
			D_HOLDS="$d_a $d_type filesystem${d_uuid:+ (UUID $d_uuid)}"
		else
			D_HOLDS="$d_a $d_type signature${d_uuid:+ (UUID $d_uuid)}"
		fi
		;;
	*)
		D_HOLDS='an unknown signature'
		[ -z "$d_table" ] || D_HOLDS="a partition table ($d_table)"
		;;
	esac
}

# Before anything is written: D_REAL, D_NUMBER, D_BUSY, D_HOLDS, D_PVUUID.
dev_probe() {
	d_pre="Initializing device $D_NAME failed (failed to check device contents): "
	by_at "look at $D_NAME"
	[ -e "$D_NAME" ] || by_die 7 "${d_pre}there is no device $D_NAME on this node"
	D_REAL=$(readlink -f "$D_NAME")
	[ -b "$D_REAL" ] ||
		by_die 10 "$d_pre$D_NAME is neither a block device nor a directory"
	D_NUMBER=$(dev_number "$D_REAL") || by_die 1 "$d_pre$D_NAME can't be looked at"
	d_ro=0
	d_sectors=0
	d_sys=/sys/dev/block/$D_NUMBER
	[ ! -r "$d_sys/ro" ] || read -r d_ro <"$d_sys/ro"
	[ ! -r "$d_sys/size" ] || read -r d_sectors <"$d_sys/size"
	[ "$d_ro" = 0 ] ||
		by_die 1 "$d_pre$D_NAME is read-only: use another device, or make it writable (blockdev --setrw $D_NAME)"
	[ "$d_sectors" -ge 524288 ] ||
		by_die 10 "$d_pre$D_NAME is too small: $((d_sectors / 2048)) MiB, at least 256 are needed"
	dev_find_users
	dev_find_contents
}

# LVM may not be allowed to see it: it says so in one of these ways.  A filesystem is
# not wiped for nothing; what is part of something, or has parts, LVM would not see
# before that anyway.
dev_check_filter() {
	case $D_HOLDS in
	'' | *' filesystem'* | *' physical volume '*) ;;
	*) return ;;
	esac
	by_at "pvs $D_REAL"
	lvm_try pvs --noheadings -o pv_uuid "$D_REAL" && return
	case $BY_OUT in
	*filter* | *devices\ file*) dev_filtered ;;
	*ailed\ to\ find\ device*) [ -z "$D_HOLDS" ] || dev_filtered ;;
	esac
}

dev_filtered() {
	by_die 1 "Initializing device $D_NAME failed: LVM on this node filters it out: allow it in the filter of lvm.conf, or with lvmdevices --adddev $D_REAL ($BY_OUT)"
}

dev_check_mapper() {
	by_at "dmsetup targets"
	by_try modprobe -q -a dm-mod dm-thin-pool || :
	by_try dmsetup targets || :
	case $BY_OUT in
	*thin-pool*) return ;;
	esac
	by_die 11 "Initializing device $D_NAME failed: this machine has no device-mapper thin pools (modules dm-mod and dm-thin-pool can't be loaded, or dmsetup is not there), so no brick could be made on it; add a directory as the device instead"
}

# The device whose volume group this is: D_OTHER, "" for somebody else's.
dev_find_other() {
	D_OTHER=
	case $D_PVVG in
	vg_????????????????????????????????) D_OTHER=${D_PVVG#vg_} ;;
	esac
	case $D_OTHER in
	*[!0-9a-fA-F]*) D_OTHER= ;;
	esac
	[ -z "$D_PVUUID" ] || by_result holds_pv_uuid "$D_PVUUID"
	[ -z "$D_OTHER" ] || by_result holds_device "$D_OTHER"
}

# May it be taken?  Never what is in use, never another device of ours, unless the
# host looked it up and knows of none.
dev_check_contents() {
	[ -z "$D_BUSY" ] ||
		by_die 8 "$D_REFUSED$D_REAL $D_BUSY; stop using it first (it is never wiped while in use)"
	[ -z "$D_OTHER" ] || [ "$D_DESTROY $D_GOES" = "1 $D_PVUUID" ] ||
		by_die 8 "$D_PV $D_PVUUID): it is a device of Brickyard or heketi (volume group $D_PVVG); if nothing needs that any more, add the device with destroydata, or: vgremove $D_PVVG && pvremove $D_REAL"
	[ -n "$D_HOLDS" ] && [ "$D_DESTROY" = 0 ] || return 0
	[ "$D_PVUUID" = "$D_OURS" ] && [ -z "$D_PVVG" ] && return
	if [ -n "$D_PVUUID" ]; then
		by_die 8 "$D_PV $D_PVUUID): $D_REAL holds an LVM physical volume${D_PVVG:+ of volume group $D_PVVG}; remove it (vgremove, pvremove $D_REAL) or add the device with destroydata"
	fi
	by_die 8 "$D_REFUSED$D_REAL holds $D_HOLDS; wipe it (wipefs -a $D_REAL) or add the device with destroydata"
}

# ---- making it ours

dev_setup_failed() {
	case $BY_OUT in
	*xcluded\ by\ * | *filter* | *devices\ file*) dev_filtered ;;
	esac
	by_die 1 "$D_REFUSED$1: exit $BY_RC: $BY_OUT"
}

# Without udev, /dev/VG is LVM's own: who died may have left it, with links in it,
# and vgcreate does not like that.  There is no such group now.
dev_tidy() {
	[ -d "/dev/$D_VG" ] || return 0
	find "/dev/$D_VG" -maxdepth 1 -type l -exec rm -f {} + 2>/dev/null
	rmdir "/dev/$D_VG" 2>/dev/null || :
}

dev_make_pv() {
	if [ -n "$D_HOLDS" ]; then
		by_mine
		by_at "wipefs $D_REAL"
		by_try wipefs --all "$D_REAL" || dev_setup_failed "wipefs $D_REAL"
		by_try blockdev --rereadpt "$D_REAL" || :
	fi
	by_mine
	by_at "pvcreate $D_REAL"
	lvm_try pvcreate -qq --uuid "$D_OURS" --norestorefile --metadatasize=128M \
		"--dataalignment=$BY_ALIGNMENT" "$D_REAL" ||
		dev_setup_failed "pvcreate $D_REAL"
}

dev_make_vg() {
	dev_tidy
	by_mine
	by_at "vgcreate $D_VG"
	lvm_try vgcreate -qq "--physicalextentsize=$BY_EXTENTSIZE" \
		"--autobackup=$BY_AUTOBACKUP" "$D_VG" "$D_REAL" && return
	d_words=$BY_OUT
	d_status=$BY_RC
	lvm_try pvremove -qq "$D_REAL" || :
	BY_OUT=$d_words
	BY_RC=$d_status
	dev_setup_failed "vgcreate $D_VG"
}

dev_prepare() {
	dev_probe
	D_PVVG=
	if [ -n "$D_PVUUID" ]; then
		dev_check_filter
		if lvm_ask "pvs $D_REAL" pv_uuid,vg_name pvs "$D_REAL"; then
			D_PVVG=${L_LINE#*^}
			D_PVVG=${D_PVVG%% *}
		fi
	fi
	if [ "$D_PVVG" != "$D_VG" ]; then
		dev_find_other
		dev_check_contents
		[ -n "$D_PVUUID" ] || dev_check_filter
		dev_check_mapper
		[ "$D_PVUUID" = "$D_OURS" ] || dev_make_pv
		dev_make_vg
	fi
	dev_report "$D_REAL"
}

# ---- telling of it

dev_add_path() {
	case "
$D_SEEN" in
	*"
$1
"*) return ;;
	esac
	D_SEEN="$D_SEEN$1
"
	by_result path "$1"
}

dev_report() {
	lvm_ask "vgs $D_VG" vg_extent_size,vg_extent_count,vg_free_count,pv_uuid,pv_name \
		vgs "$D_VG" ||
		by_die 7 "device $D_NAME: there is no volume group $D_VG"
	IFS=^ read -r d_size d_count d_free d_uuid d_pv <<-END
	$L_LINE
	END
	by_result kind block
	by_result total_bytes $((d_count * d_size))
	by_result free_bytes $((d_free * d_size))
	by_result extent_bytes "$d_size"
	by_result pv_uuid "$d_uuid"
	D_SEEN=
	d_at=$1
	[ -n "$d_at" ] || d_at=${d_pv%% *}
	by_at "udevadm info $d_at"
	if by_try by_exec "$BY_UDEVADM" info --query=symlink "--name=$d_at"; then
		for d_link in $BY_OUT; do
			case $d_link in
			disk/by-id/lvm-pv-uuid-* | *[!A-Za-z0-9_.:/+-]*) ;;
			*) dev_add_path "/dev/$d_link" ;;
			esac
		done
	fi
	dev_add_path "${1:-$d_at}"
	[ -z "$1" ] || dev_add_path "$D_NAME"
}

# ---- giving it back

dev_teardown() {
	if lvm_ask "vgs $D_VG" lv_count,pv_name vgs "$D_VG"; then
		[ "${L_LINE%%^*}" = 0 ] ||
			by_die 1 "device $D_NAME: volume group $D_VG still holds ${L_LINE%%^*} logical volumes"
		d_pv=${L_LINE#*^}
		d_pv=${d_pv%% *}
		lvm_do "vgremove $D_VG" vgremove -qq "$D_VG"
		dev_tidy
		lvm_do "pvremove $d_pv" pvremove -qq "$d_pv"
	fi
	# Who died in between left a physical volume; leave one that has a new group.
	if lvm_ask pvs vg_name,pv_name pvs --select "pv_uuid=${D_UUID:-$D_OURS}"; then
		d_pv=${L_LINE#*^}
		d_pv=${d_pv%% *}
		[ -n "${L_LINE%%^*}" ] || lvm_do "pvremove $d_pv" pvremove -qq "$d_pv"
	fi
	rmdir "/var/lib/heketi/mounts/$D_VG" 2>/dev/null || :
}

# As far as it goes: the disk may be dead.
dev_forget() {
	rmdir "/var/lib/heketi/mounts/$D_VG" 2>/dev/null || :
	by_mine
	by_at "vgremove $D_VG"
	lvm_try vgremove -qq "$D_VG" || lvm_missing || by_note "vgremove $D_VG: $BY_OUT"
	for d_pv in "/dev/disk/by-id/lvm-pv-uuid-$D_UUID" $D_PATHS "$D_NAME"; do
		[ -e "$d_pv" ] || continue
		by_at "pvremove $d_pv"
		lvm_try pvremove -qq "$d_pv" || by_note "pvremove $d_pv: $BY_OUT"
		break
	done
}
