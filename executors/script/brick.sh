# SPDX-License-Identifier: GPL-2.0-or-later
# Bricks: from the storage to the directory that gluster is given.  A function
# brickN sets the B_* of each.  Each sub-step looks first.  LVM and fstab are
# changed under the node lock, a brick at a time; the rest is done beside others.

brick_is_image() {
	case $B_KIND in
	1) return 1 ;;
	2) return 0 ;;
	esac
	[ -d "$B_DEVICE" ]
}

brick_source() {
	B_OPTIONS=$BY_MOUNTOPTS
	B_SOURCE=$B_DM
	if brick_is_image; then
		B_OPTIONS=$BY_MOUNTOPTS,loop
		B_SOURCE=$B_DEVICE/$B_VG/$B_LV.img
	fi
}

# ---- making

brick_storage() {
	by_mine
	by_lock
	by_mine
	if brick_is_image; then
		image_reserve
	else
		lv_make
	fi
	if [ ! -d "$B_MOUNT" ]; then
		by_do "mkdir $B_MOUNT" mkdir -p "$B_MOUNT"
		BY_BARE="$BY_BARE$B_ID "
	fi
	by_unlock
}

# Ids of the bricks whose mount points were not there: nothing is mounted on them.
# Directories come and go under the node lock, as several bricks have one in common.
BY_BARE=' '

# Ids of the bricks whose volumes this script made itself.  lvcreate gives the tags
# of such a pair to the pool, which is the brick's own: they are said once.
BY_FRESH=' '

# Image or volume, hexadecimal, without those that are all zero.
brick_head() {
	dd if="$1" bs=4096 count=1 2>/dev/null | od -An -v -tx1 | tr -d ' \n'
}

# XFS on $1; never over anything that is there already.
brick_mkfs() {
	by_at "look at $1"
	b_head=$(brick_head "$1")
	b_force=
	case $b_head in
	'') by_die 1 "$1 can't be read" ;;
	58465342*)
		# 1 in the superblock until mkfs is done
		[ "$(echo "$b_head" | cut -c253-254)" != 00 ] || return 0
		b_force=-f
		;;
	*[!0]*) by_die 8 "$1 holds something that is no XFS; it is not overwritten" ;;
	esac
	brick_format $b_force "$1"
}

brick_format() {
	if [ "$B_ROLE" = 2 ]; then
		set -- -i maxpct=100 -n size=8192 "$@"
	elif [ "$BY_XFS_SU" != 0 ] && [ "$BY_XFS_SW" != 0 ]; then
		set -- -i size=512 -d "su=$BY_XFS_SU,sw=$BY_XFS_SW" -n size=8192 "$@"
	else
		set -- -i size=512 -n size=8192 "$@"
	fi
	eval "b_last=\${$#}"
	# Since xfsprogs 5.19 mkfs.xfs refuses less than 300 MiB, but for its own
	# tests; an arbiter's brick needs no more than 16 (heketi's sizes), and
	# XFS has no such limit.  Older ones ignore the words.
	if [ "$B_SIZE" -lt 314572800 ]; then
		set -- env QA_CHECK_FS=1 TEST_DIR=/ TEST_DEV=/ mkfs.xfs "$@"
	else
		set -- mkfs.xfs "$@"
	fi
	by_do "mkfs.xfs $b_last" "$@"
}

brick_mounted() {
	mount_at "$B_MOUNT" || return 1
	if brick_is_image; then
		read -r b_file <"/sys/dev/block/$M_DEV/loop/backing_file" &&
			[ "$b_file" -ef "$B_SOURCE" ] && return 0
	elif [ "$(dev_number "$B_SOURCE")" = "$M_DEV" ]; then
		return 0
	fi 2>/dev/null
	by_die 8 "$B_MOUNT is in the way: $M_SOURCE is mounted there"
}

brick_show() {
	brick_source
	if brick_is_image; then
		image_finish
	else
		# What lvcreate just gave is empty, and mkfs.xfs looks itself.
		case $BY_FRESH in
		*" $B_ID "*) brick_format "$B_SOURCE" ;;
		*) brick_mkfs "$B_SOURCE" ;;
		esac
	fi
	by_lock
	fstab_add "$B_MOUNT" "$B_SOURCE $B_MOUNT xfs $B_OPTIONS 1 2"
	by_unlock
	case $BY_BARE in
	*" $B_ID "*) false ;;
	*) brick_mounted ;;
	esac || by_do "mount $B_MOUNT" mount -o "$B_OPTIONS" "$B_SOURCE" "$B_MOUNT"
	[ -d "$B_PATH" ] || by_do "mkdir $B_PATH" mkdir "$B_PATH"
	if [ "$B_GID" != 0 ]; then
		by_do "chown $B_PATH" chown ":$B_GID" "$B_PATH"
		by_do "chmod $B_PATH" chmod 2775 "$B_PATH"
	fi
}

# ---- logical volumes

lv_scan() {
	LV_THERE=0
	LV_TAGS=
	POOL_THERE=0
	POOL_TAGS=
	LV_STRAYS=
	lvm_ask "lvs $B_VG" lv_name,lv_size,pool_lv,segtype,lv_live_table,thin_count,lv_tags \
		lvs --select "lv_name=$B_LV || lv_name=$B_POOL || lv_name=~\"^lvol[0-9]+\$\"" \
		"$B_VG" || return 0
	while IFS=^ read -r l_name l_size l_pool l_type l_table l_count l_tags; do
		case $l_name in
		"$B_LV")
			LV_THERE=1
			LV_SIZE=$l_size
			LV_POOL=$l_pool
			# A device whose table is not live, left by one that died, is active to LVM.
			LV_ACTIVE=
			case $l_table in live*) LV_ACTIVE=1 ;; esac
			LV_TAGS=$l_tags
			;;
		"$B_POOL")
			POOL_THERE=1
			POOL_COUNT=${l_count:-0}
			POOL_TAGS=$l_tags
			;;
		lvol*)
			# Metadata of a pool that did not become one: no tags, but
			# a name of LVM's and this brick's own size.
			if [ "$l_type" = linear ] && [ "$l_size" -ge "$B_META" ] &&
				[ "$l_size" -le $((B_META + 33554432)) ]; then
				LV_STRAYS="$LV_STRAYS $l_name"
			fi
			;;
		esac
	done <<-END
	$L_LINES
	END
}

lv_tagged() {
	case $1 in
	*brickyard.brick=*) return 0 ;;
	esac
	return 1
}

lv_with_tags() {
	lv_label=$1
	shift
	if [ -n "$BY_OP" ]; then
		set -- "$@" --addtag "brickyard.operation=$BY_OP"
	fi
	by_mine
	by_at "$lv_label"
	lvm_try "$@"
}

# One that is there, but not from us.
lv_tag() {
	lv_with_tags "lvchange $B_VG/$B_LV" lvchange -qq "--autobackup=$BY_AUTOBACKUP" \
		"$B_VG/$B_LV" --addtag brickyard --addtag "brickyard.brick=$B_ID" \
		--addtag "brickyard.volume=$B_VOLUME"
}

lv_both_once() {
	b_chunk=$BY_CHUNKSIZE
	[ "$B_ROLE" != 2 ] || b_chunk=256K
	lv_with_tags "lvcreate $B_VG/$B_LV" lvcreate -qq "--autobackup=$BY_AUTOBACKUP" \
		--poolmetadatasize "$((B_META / 1024))K" --chunksize "$b_chunk" \
		--size "$((B_POOL_BYTES / 1024))K" --thin "$B_VG/$B_POOL" \
		--virtualsize "$((B_SIZE / 1024))K" --name "$B_LV" \
		--addtag brickyard --addtag "brickyard.brick=$B_ID" \
		--addtag "brickyard.volume=$B_VOLUME" || return
	BY_FRESH="$BY_FRESH$B_ID "
}

lv_both() {
	lv_both_once || by_fail "$lv_label"
}

lv_thin() {
	lv_with_tags "lvcreate $B_VG/$B_LV" lvcreate -qq "--autobackup=$BY_AUTOBACKUP" \
		--thin --virtualsize "$((B_SIZE / 1024))K" --name "$B_LV" \
		--thinpool "$B_VG/$B_POOL" \
		--addtag brickyard --addtag "brickyard.brick=$B_ID" \
		--addtag "brickyard.volume=$B_VOLUME" || by_fail "$lv_label"
	BY_FRESH="$BY_FRESH$B_ID "
}

# Who died while LVM brought a pool up has left its hidden parts active, and
# LVM then refuses everything.  Parts that are in use can't be switched off.
lv_free_parts() {
	lvm_try lvchange -qq -an -y "$B_VG/${B_POOL}_tmeta" || :
	lvm_try lvchange -qq -an -y "$B_VG/${B_POOL}_tdata" || :
}

lv_remove_once() {
	by_mine
	by_at "lvremove $B_VG/$1"
	lvm_try lvremove "--autobackup=$BY_AUTOBACKUP" -f "$B_VG/$1" || lvm_missing
}

# Who died while LVM took a pool down has left it active below a device that is
# gone: LVM takes it for down then, and its parts for somebody's.
lv_remove() {
	lv_remove_once "$1" && return
	lv_free_parts
	lv_remove_once "$1" && return
	lvm_try lvchange -qq -ay "$B_VG/$B_POOL" || :
	lv_remove_once "$1" || by_fail "lvremove $B_VG/$1"
}

lv_remove_strays() {
	for l_stray in $LV_STRAYS; do
		lv_remove "$l_stray"
	done
}

# The volume, and its pool when nothing else is in that.  A pool goes with what
# is in it, if that is nothing but the volume, in one go.
lv_destroy() {
	lv_scan
	if [ "$LV_THERE$POOL_THERE" = 11 ] && [ "$LV_POOL" = "$B_POOL" ] &&
		[ "$POOL_COUNT" = 1 ] && lv_remove_once "$B_POOL"; then
		lv_remove_strays
		return
	fi
	lv_remove "$B_LV"
	lv_scan
	if [ "$POOL_THERE" = 1 ] && [ "$POOL_COUNT" = 0 ]; then
		lv_remove "$B_POOL"
	fi
	lv_remove_strays
}

lv_activate() {
	lvm_try lvchange -qq -ay -K "$B_VG/$B_LV" && return
	lv_free_parts
	lvm_try lvchange -qq -ay -K "$B_VG/$B_LV"
}

# Is it from an lvcreate of this operation that did not end?  The pool tells whose
# it is, and before its first mount a brick gets a line in fstab: without that
# it never held anything.
lv_half_made() {
	! lv_tagged "$LV_TAGS" && lv_tagged "$POOL_TAGS" || return 1
	case ,$POOL_TAGS, in
	*",brickyard.operation=$BY_OP,"*) ;;
	*) [ -z "$BY_OP" ] || return 1 ;;
	esac
	! fstab_names "$B_MOUNT"
}

# It is there: is it the one, whole and active?
lv_take() {
	if [ "$LV_SIZE" -lt "$B_SIZE" ] || [ "$LV_POOL" != "$B_POOL" ] ||
		[ $((LV_SIZE - B_SIZE)) -ge 17179869184 ]; then
		by_die 8 "$B_VG/$B_LV is in the way: it has $LV_SIZE bytes in pool '$LV_POOL', not $B_SIZE in '$B_POOL'"
	fi
	by_at "lvchange $B_VG/$B_LV"
	if [ -z "$LV_ACTIVE" ] && ! lv_activate; then
		lv_half_made || by_fail "lvchange $B_VG/$B_LV"
		lv_destroy
		lv_both
		return
	fi
	lv_tagged "$LV_TAGS$POOL_TAGS" || lv_tag || by_fail "$lv_label"
}

# Who is the first of the operation here may expect to find nothing; who is not,
# or is mistaken, looks.
lv_make() {
	if [ -n "$BY_FIRST" ]; then
		lv_both_once && return
		b_words=$BY_OUT
		b_status=$BY_RC
		lv_scan
		if [ "$LV_THERE$POOL_THERE$LV_STRAYS" = 00 ]; then
			BY_OUT=$b_words
			BY_RC=$b_status
			by_fail "$lv_label"
		fi
	else
		lv_scan
	fi
	if [ "$LV_THERE" = 1 ]; then
		lv_take
		return
	fi
	if [ "$POOL_THERE" = 1 ] && [ "$POOL_COUNT" -gt 0 ]; then
		lv_thin
		return
	fi
	# An empty pool, or what should have become one: somebody died.
	[ "$POOL_THERE" = 0 ] || lv_remove "$B_POOL"
	lv_remove_strays
	lv_both
}

# ---- images

image_reserve() {
	i_dir=$B_DEVICE/$B_VG
	i_file=$i_dir/$B_LV.img
	dir_is_ours "$B_DEVICE" "$B_DEVICE_ID"
	if [ -e "$i_file" ] || [ -L "$i_file" ]; then
		i_size=$(stat -c %s "$i_file")
		[ -f "$i_file" ] && [ ! -L "$i_file" ] && [ "$i_size" = "$B_SIZE" ] ||
			by_die 8 "$i_file is in the way: it has $i_size bytes, not $B_SIZE"
		return 0
	fi
	by_do "mkdir $i_dir" mkdir -p -m 0700 "$i_dir"
	by_do "rm $i_file.tmp" rm -f "$i_file.tmp"
	dir_room "$B_DEVICE"
	# Half the reserve is for the filesystem's own records about images.
	if [ "$B_SIZE" -gt $((D_ROOM + BY_RESERVE / 2)) ]; then
		by_die 9 "directory $B_DEVICE: $((D_ROOM / 1048576)) MiB are free for bricks, $((B_SIZE / 1048576)) are needed"
	fi
	(umask 077 && : >"$i_file.tmp") || by_die 1 "$i_file.tmp can't be made"
	by_at "fallocate $i_file"
	if ! by_try fallocate -l "$B_SIZE" "$i_file.tmp"; then
		case $BY_SPARSE$BY_OUT in
		true*not\ supported*) by_do "truncate $i_file" truncate -s "$B_SIZE" "$i_file.tmp" ;;
		*)
			rm -f "$i_file.tmp"
			by_fail "fallocate $i_file"
			;;
		esac
	fi
}

# It gets its name when it is whole.
image_finish() {
	i_file=$B_SOURCE
	[ ! -e "$i_file" ] || return 0
	trap 'rm -f "$i_file.tmp"' EXIT
	brick_mkfs "$i_file.tmp"
	by_do "sync $i_file" by_sync "$i_file.tmp"
	by_do "mv $i_file" mv -f "$i_file.tmp" "$i_file"
	trap - EXIT
}

image_destroy() {
	i_file=$B_DEVICE/$B_VG/$B_LV.img
	[ -d "$B_DEVICE/$B_VG" ] || return 0
	by_do "rm $i_file.tmp" rm -f "$i_file.tmp"
	[ -e "$i_file" ] || return 0
	for i_loop in $(loops_of "$i_file"); do
		if i_dev=$(dev_number "/dev/$i_loop") && mount_of "$i_dev"; then
			by_die 1 "$i_file: still mounted at $M_AT through /dev/$i_loop"
		fi
		by_at "losetup -d /dev/$i_loop"
		by_try losetup -d "/dev/$i_loop" || case $BY_OUT in
		*[Nn]o\ such*) ;;
		*) by_fail "losetup -d /dev/$i_loop" ;;
		esac
	done
	by_do "rm $i_file" rm -f "$i_file"
}

# ---- removing

# The fstab line goes even if the mount won't, as heketi does it.
brick_destroy() {
	brick_source
	by_mine
	by_at "umount $B_MOUNT"
	b_words=
	b_off=
	if [ -d "$B_MOUNT" ] && by_run umount "$B_MOUNT"; then
		b_off=1
	elif ! mount_remove "$B_MOUNT"; then
		b_words=$BY_OUT
		b_status=$BY_RC
		if [ "$BY_DEBUG_UMOUNT" = true ] && command -v lsof >/dev/null; then
			by_try lsof "$B_MOUNT" || :
			by_note "umount $B_MOUNT failed; lsof says: $BY_OUT"
		fi
	fi
	by_lock
	by_mine
	case $B_MOUNT in
	/run/gluster/* | /var/run/gluster/*) ;;
	*) fstab_edit "$B_MOUNT" "$B_ID" '' ;;
	esac
	# A mount point that can be removed has no other mount on it.
	if [ -n "$b_off" ] && ! brick_rmdir; then
		mount_remove "$B_MOUNT" || {
			b_words=$BY_OUT
			b_status=$BY_RC
		}
	fi
	if [ -n "$b_words" ]; then
		BY_OUT=$b_words
		BY_RC=$b_status
		by_fail "umount $B_MOUNT"
	fi
	if brick_is_image; then
		image_destroy
	else
		lv_destroy
	fi
	by_at "rmdir $B_MOUNT"
	brick_rmdir || :
	by_unlock
}

# The mount point, and the device's directory with the last of them.
brick_rmdir() {
	b_dir=${B_MOUNT%/*}
	for b_other in "$b_dir"/*; do
		[ "$b_other" = "$B_MOUNT" ] || [ ! -e "$b_other" ] || b_dir=
	done
	set --
	[ ! -e "$B_MOUNT" ] || set -- "$B_MOUNT"
	[ ! -d "$b_dir" ] || set -- "$@" "$b_dir"
	[ $# = 0 ] || rmdir "$@" 2>/dev/null
	[ ! -e "$B_MOUNT" ]
}
