# SPDX-License-Identifier: GPL-2.0-or-later
# Mounts, loop devices and fstab.

# What is mounted at exactly $1 (the topmost)?  M_DEV (MAJ:MIN), M_SOURCE.  The
# kernel knows no symbolic links, and /var/run is one.
mount_at() {
	m_at=$(readlink -f "$1" 2>/dev/null) || m_at=$1
	# shellcheck disable=SC2016 # awk's dollars
	m_found=$(M_AT=$m_at awk '
	$5 == ENVIRON["M_AT"] {
	for (i = 7; i < NF; i++) if ($i == "-") break
	found = $3 " " $(i + 2)
	}
	END { print found }' /proc/self/mountinfo)
	M_DEV=${m_found%% *}
	M_SOURCE=${m_found#* }
	[ -n "$M_DEV" ]
}

# Where is the device MAJ:MIN mounted?  M_AT.
mount_of() {
	# shellcheck disable=SC2016
	M_AT=$(M_DEV=$1 awk '$3 == ENVIRON["M_DEV"] { at = $5 } END { print at }' \
		/proc/self/mountinfo)
	[ -n "$M_AT" ]
}

dev_number() {
	dev_hex=$(stat -L -c '%t %T' "$1" 2>/dev/null) || return 1
	printf '%d:%d\n' "0x${dev_hex% *}" "0x${dev_hex#* }"
}

# Unmount all that is there; busy brick processes get ten seconds to go.
mount_remove() {
	by_clock
	m_until=$((by_now + 10))
	while mount_at "$1"; do
		by_run umount "$1" && continue
		mount_at "$1" || return 0
		case $BY_OUT in
		*busy*) ;;
		*) return 1 ;;
		esac
		by_clock
		[ "$by_now" -lt "$m_until" ] && [ "$BY_LEFT" -gt 0 ] || return 1
		by_nap 0.2
	done
}

# Names (loop0 ...) of the loop devices on the file $1.
loops_of() {
	for l_dir in /sys/block/loop*; do
		[ -r "$l_dir/loop/backing_file" ] || continue
		read -r l_file <"$l_dir/loop/backing_file" || continue
		if [ "$l_file" -ef "$1" ]; then
			echo "${l_dir##*/}"
		fi
	done
}

# fstab_edit AT ID LINE: take out the lines of the mount point, and those that
# name brick_ID (ID not empty); put LINE there (not empty).  People's lines pass
# through as they are.  The file is replaced in one step, or, where it is a
# mount of its own, rewritten.
fstab_edit() {
	by_mine
	by_at "fstab $BY_FSTAB"
	f_real=$BY_FSTAB
	if [ -h "$BY_FSTAB" ]; then
		f_real=$(readlink -f "$BY_FSTAB") || f_real=$BY_FSTAB
	fi
	f_from=$f_real
	[ -e "$f_real" ] || f_from=/dev/null
	f_new=$f_real.brickyard-new
	f_at=$1
	f_id=$2
	f_line=$3
	fstab_replace || fstab_rewrite
}

# fstab_add AT LINE: the same for a line that is most likely not there, which is
# put at the end by the one who looks.  0: it was, 3: it is there, else: the file
# must be edited.  A line is written in one go: who is killed leaves all or none.
fstab_add() {
	by_mine
	by_at "fstab $BY_FSTAB"
	if [ -f "$BY_FSTAB" ]; then
		F_FILE=$BY_FSTAB F_AT=$1 F_LINE=$2 awk '
		BEGIN { RS = "\001"; at = ENVIRON["F_AT"]; line = ENVIRON["F_LINE"] }
		{ text = $0 }
		END {
		if (NR > 1 || (text != "" && substr(text, length(text)) != "\n")) exit 4
		n = split(text, lines, "\n")
		for (i = 1; i <= n; i++) {
		if (split(lines[i], f) < 2 || f[1] ~ /^#/ || f[2] != at) continue
		if (lines[i] == line) same++; else exit 4
		}
		if (same > 0) exit same == 1 ? 3 : 4
		print line >>ENVIRON["F_FILE"]
		}' "$BY_FSTAB" 2>/dev/null
		case $? in
		0 | 3) by_sync "$BY_FSTAB" && return ;;
		esac
	fi
	fstab_edit "$1" '' "$2"
}

# Has the mount point $1 a line?
fstab_names() {
	[ -e "$BY_FSTAB" ] || return 1
	# shellcheck disable=SC2016
	F_AT=$1 awk '
	substr($1, 1, 1) != "#" && $2 == ENVIRON["F_AT"] { found = 1 }
	END { exit !found }' "$BY_FSTAB"
}

# The new text on stdout; 3: it is as it should be.  What is the beginning of the
# line only is from an fstab_add whose disk was full.
fstab_edited() {
	# shellcheck disable=SC2016
	F_AT=$f_at F_ID=$f_id F_LINE=$f_line awk '
	function named(s, want, p) {
	want = "brick_" id
	while ((p = index(s, want)) > 0) {
	s = substr(s, p + length(want))
	if (s !~ /^[0-9a-fA-F]/) return 1
	}
	return 0
	}
	BEGIN { at = ENVIRON["F_AT"]; id = ENVIRON["F_ID"]; line = ENVIRON["F_LINE"] }
	(substr($1, 1, 1) != "#" && $2 == at) || (id != "" && named($0)) {
	if ($0 == line) same++; else others++
	next
	}
	length($0) > 12 && index(line, $0) == 1 { others++; next }
	{ print }
	END {
	if (line == "" ? others + same == 0 : same == 1 && others == 0) exit 3
	if (line != "") print line
	}' "$f_from"
}

# A copy has its owner and mode already when the text is put into it.
fstab_replace() {
	[ ! -e "$f_new" ] && [ ! -h "$f_new" ] || rm -f "$f_new"
	if { [ ! -e "$f_real" ] || cp -p "$f_real" "$f_new"; } 2>/dev/null; then
		{ fstab_edited >"$f_new"; } 2>/dev/null
		case $? in
		0)
			if by_sync "$f_new" && mv -f "$f_new" "$f_real" 2>/dev/null; then
				by_sync "${f_real%/*}"
				return 0
			fi
			;;
		3)
			rm -f "$f_new"
			return 0
			;;
		esac
	fi
	rm -f "$f_new"
	return 1
}

fstab_rewrite() {
	f_text=$(fstab_edited && echo .)
	f_rc=$?
	[ "$f_rc" != 3 ] || return 0
	[ "$f_rc" = 0 ] || by_die 1 "fstab $BY_FSTAB: can't be read"
	f_text=${f_text%.}
	by_try fstab_overwrite || by_fail "fstab $BY_FSTAB"
}

fstab_overwrite() {
	f_size=$(printf %s "$f_text" | wc -c)
	printf %s "$f_text" | dd of="$f_real" conv=notrunc 2>/dev/null &&
		truncate -s "$((f_size))" "$f_real" && by_sync "$f_real"
}
