# SPDX-License-Identifier: GPL-2.0-or-later
# Directories as devices: DIR/.brickyard-device marks one and remembers how much
# was there to give; DIR/vg_ID/ holds the images.  The local executor does the same.

# M_ID and M_TOTAL from the marker in $1; none: 1.
dir_marker() {
	[ -e "$1/.brickyard-device" ] || return 1
	M_ID=
	M_TOTAL=
	{
		read -r m_magic
		read -r m_key1 M_ID
		read -r m_key2 M_TOTAL
	} <"$1/.brickyard-device"
	case "$m_magic $m_key1 $m_key2 ${M_TOTAL:-x}" in
	*' '*[!0-9]*' '*[!0-9]) ;;
	'brickyard-device 1 id total_bytes '[0-9]*) return 0 ;;
	esac
	by_die 1 "$1/.brickyard-device is damaged; if no brick is in this directory, remove the file"
}

dir_is_ours() {
	by_at "look at $1"
	dir_marker "$1" ||
		by_die 7 "directory $1 is not a device (there is no .brickyard-device in it: is its filesystem mounted?)"
	dir_check_id "$1" "$2"
}

dir_check_id() {
	[ "$M_ID" = "$2" ] ||
		by_die 8 "directory $1 is already the device $M_ID; use another directory, or remove that device first"
}

# Bytes that may still be given to images: D_ROOM.
dir_room() {
	d_stat=$(stat -f -c '%a %S' "$1") || by_die 1 "directory $1: can't be looked at"
	D_ROOM=$((${d_stat% *} * ${d_stat#* } - BY_RESERVE))
	[ "$D_ROOM" -gt 0 ] || D_ROOM=0
	D_ROOM=$((D_ROOM - D_ROOM % 4194304))
}

dir_report() {
	d_images=0
	for d_image in "$D_NAME/$D_VG"/*; do
		[ -f "$d_image" ] && [ ! -L "$d_image" ] || continue
		d_images=$((d_images + $(stat -c %s "$d_image")))
	done
	dir_room "$D_NAME"
	d_free=$((M_TOTAL - d_images))
	[ "$d_free" -gt 0 ] || d_free=0
	[ "$d_free" -le "$D_ROOM" ] || d_free=$D_ROOM
	by_result kind directory
	by_result total_bytes "$M_TOTAL"
	by_result free_bytes "$d_free"
	by_result extent_bytes 4194304
	d_real=$(readlink -f "$D_NAME")
	[ "$d_real" = "$D_NAME" ] || by_result path "$d_real"
	by_result path "$D_NAME"
}

dir_fail() {
	case $BY_OUT in
	*[Rr]ead-only\ file*)
		by_die 1 "Initializing device $D_NAME failed: directory $D_NAME is on a read-only filesystem; remount it writable or use another directory"
		;;
	*No\ space*) by_die 9 "Initializing device $D_NAME failed: directory $D_NAME: $BY_OUT" ;;
	esac
	by_die 1 "Initializing device $D_NAME failed: directory $D_NAME: $1: $BY_OUT"
}

dir_touch() {
	(umask 077 && : >"$1")
}

# Can images be made here?  Try with a file that goes away again.
dir_try() {
	d_try=$D_NAME/.brickyard-try
	by_try rm -f "$d_try" || dir_fail "can't be written to"
	trap 'rm -f "$d_try" "$D_NAME/.brickyard-device.new"' EXIT
	by_try dir_touch "$d_try" || dir_fail "can't be written to"
	by_try truncate -s 1T "$d_try" || dir_fail "its filesystem can't hold big files"
	if ! by_try fallocate -l 4194304 "$d_try"; then
		case $BY_SPARSE$BY_OUT in
		true*not\ supported*) ;;
		*not\ supported*)
			by_die 11 "Initializing device $D_NAME failed: directory $D_NAME: its filesystem can't allocate files ahead (fallocate), so bricks could run out of space; use another, or set the option sparse"
			;;
		*) dir_fail "can't be written to" ;;
		esac
	fi
	rm -f "$d_try"
}

dir_mark() {
	(umask 077 && printf 'brickyard-device 1\nid %s\ntotal_bytes %s\n' \
		"$D_ID" "$D_ROOM" >"$D_NAME/.brickyard-device.new") &&
		by_sync "$D_NAME/.brickyard-device.new" || return
	# Linked, so that it never replaces another.
	ln "$D_NAME/.brickyard-device.new" "$D_NAME/.brickyard-device" ||
		[ -e "$D_NAME/.brickyard-device" ] || return
	rm -f "$D_NAME/.brickyard-device.new"
	by_sync "$D_NAME"
}

dir_prepare() {
	by_at "look at $D_NAME"
	d_pre="Initializing device $D_NAME failed: "
	[ -e "$D_NAME" ] || by_die 7 "${d_pre}there is no directory $D_NAME on this node"
	[ -d "$D_NAME" ] || by_die 10 "$d_pre$D_NAME is not a directory"
	if ! dir_marker "$D_NAME"; then
		by_mine
		dir_try
		dir_room "$D_NAME"
		[ "$D_ROOM" -gt 0 ] ||
			by_die 9 "${d_pre}directory $D_NAME: its filesystem is full ($((BY_RESERVE / 1048576)) MiB are kept free)"
		by_at "mark $D_NAME"
		by_try dir_mark || dir_fail "can't be written to"
		dir_marker "$D_NAME" || by_die 2 "${d_pre}directory $D_NAME: its marker went away"
	fi
	[ "$M_ID" = "$D_ID" ] || by_result holds_device "$M_ID"
	[ "$M_ID" = "$D_ID" ] ||
		by_die 8 "${d_pre}directory $D_NAME is already the device $M_ID; use another directory, or remove that device first"
	dir_report
}

dir_teardown() {
	by_at "look at $D_NAME"
	dir_marker "$D_NAME" || return 0
	# Somebody else's by now?
	[ "$M_ID" = "$D_ID" ] || return 0
	if [ -d "$D_NAME/$D_VG" ]; then
		by_mine
		by_try rmdir "$D_NAME/$D_VG" || case $BY_OUT in
		*not\ empty*) by_die 1 "directory $D_NAME: $D_NAME/$D_VG: bricks are still in it" ;;
		*) by_fail "rmdir $D_NAME/$D_VG" ;;
		esac
	fi
	by_do "rm $D_NAME/.brickyard-device" rm -f "$D_NAME/.brickyard-device"
	rmdir "/var/lib/heketi/mounts/$D_VG" 2>/dev/null || :
}

dir_forget() {
	[ -d "$D_NAME" ] || return 0
	(dir_teardown) >/dev/null || by_note "directory $D_NAME: its marker could not be removed"
}
