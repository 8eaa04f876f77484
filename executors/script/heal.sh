# SPDX-License-Identifier: GPL-2.0-or-later
# Volumes, further: healing, replacing a brick, clones.

# Its daemons look for what waits to be healed when they start, and then every ten
# minutes; what the first look could not do (entries whose directory was not
# healed yet) would wait as long.  They are told to look now; where none runs
# there is nobody to tell.
gl_heal_now() {
	by_at "gluster volume heal $1"
	by_try gluster --mode=script "--timeout=$G_TIMEOUT" volume heal "$1" || :
}

# G_XML without the names of files, of which there may be a million.
gl_heal_counts() {
	# shellcheck disable=SC2016
	G_XML=$(printf '%s\n' "$G_XML" | awk '
	BEGIN { RS = "<" }
	/^file[ >]/ || /^\/file>/ { next }
	{ printf "%s%s", NR == 1 ? "" : "<", $0 }')
}

# heal_info NAME: which bricks run, and what waits to be healed; who asks is waiting
# for that.
gl_heal() {
	gl_need "$1"
	by_at "gluster volume status $1"
	# A volume that is not started has neither.
	if gl_fetch volume status "$1"; then
		gl_send status
	fi
	by_at "gluster volume heal $1 info"
	if gl_fetch volume heal "$1" info; then
		gl_heal_counts
		gl_send heal
		case $G_XML in
		*'<numberOfEntries>'[1-9]*) gl_heal_now "$1" ;;
		esac
	fi
	by_at "gluster volume info $1"
	gl_fetch volume info "$1" || by_fail "gluster volume info $1"
	gl_send volume
}

# gl_replace NAME OLD NEW
gl_replace() {
	gl_need "$1"
	if ! gl_has_brick "$2"; then
		gl_has_brick "$3" && return
		by_die 7 "volume $1 has neither the brick $2 nor $3"
	fi
	! gl_has_brick "$3" ||
		by_die 8 "volume $1 has both bricks, $2 and $3: it was changed by somebody else"
	by_mine
	by_at "gluster volume replace-brick $1"
	gl_try volume replace-brick "$1" "$2" "$3" commit force && {
		gl_heal_now "$1"
		return
	}
	# It may be done although the answer was lost.
	gl_words=$BY_OUT
	gl_status=$BY_RC
	gl_look "$1"
	if [ "$V_THERE" = 1 ] && ! gl_has_brick "$2" && gl_has_brick "$3"; then
		return
	fi
	BY_OUT=$gl_words
	BY_RC=$gl_status
	by_fail "gluster volume replace-brick $1"
}

# ---- clones

# A command about snapshots: what it says is in its XML, whatever its status.
gl_snap() {
	by_mine
	by_at "gluster snapshot $1"
	gl_fetch snapshot "$@" || return
	case $G_XML in
	*'<opRet>0</opRet>'*) return 0 ;;
	esac
	BY_RC=1
	return 1
}

# gl_snap_take SNAPSHOT NAME.  After an expansion files move to the new bricks; a small
# volume is soon done with that, a large one's user is told.
gl_snap_take() {
	by_clock
	# shellcheck disable=SC2154 # by_clock sets it
	gl_until=$((by_now + 120))
	while ! gl_snap create "$1" "$2" no-timestamp; do
		gl_says 'already exists' && return
		gl_says 'rebalance process is running' || return
		by_clock
		[ "$by_now" -lt "$gl_until" ] && [ "$BY_LEFT" -gt 60 ] || return
		by_nap 2
	done
}

gl_snap_drop() {
	gl_snap deactivate "$1" || :
	gl_snap delete "$1" || gl_says 'does not exist' || gl_says 'not found' || return
}

# gl_snap_clear NAME: those of its snapshots that only a clone can have left, ours or
# heketi's, which died before its end; 1 when there are none.
gl_snap_clear() {
	by_at "gluster snapshot list $1"
	gl_fetch snapshot list "$1" || return
	gl_left=$(printf '%s\n' "$G_XML" | tr '<' '\n' |
		sed -n 's,^snapshot>\(tmpsnap_[0-9a-f]\{32\}\)$,\1,p')
	[ -n "$gl_left" ] || return
	for gl_snapshot in $gl_left; do
		gl_snap_drop "$gl_snapshot" || return
		by_note "volume $1: snapshot $gl_snapshot, left over of a clone, is deleted"
	done
}

gl_clone_failed() {
	gl_words=$BY_OUT
	gl_status=$BY_RC
	gl_snap_drop "$3" || by_note "snapshot $3 could not be deleted: $BY_OUT"
	BY_OUT=$gl_words
	BY_RC=$gl_status
	by_fail "gluster snapshot $1 ($2)"
}

# gl_clone NAME CLONE SNAPSHOT: the clone may be there from the last time, whole or
# not yet started; the snapshot, too.
gl_clone() {
	gl_need "$1"
	gl_look "$2"
	if [ "$V_THERE" = 0 ]; then
		gl_snap_take "$3" "$1" || gl_clone_failed create "$1" "$3"
		gl_snap activate "$3" || gl_says 'already activated' || gl_says 'already started' ||
			gl_clone_failed activate "$1" "$3"
		gl_snap clone "$2" "$3" || gl_clone_failed clone "$1" "$3"
		V_STATUS=
	fi
	# Nothing but a clone has its bricks there.
	case $V_BRICKS in
	'' | *:/run/gluster/snaps/* | *:/var/run/gluster/snaps/*) ;;
	*) by_die 8 "gluster has a volume $2 already, which is no clone" ;;
	esac
	if [ "$V_STATUS" != Started ]; then
		by_mine
		by_at "gluster volume start $2"
		gl_try volume start "$2" || gl_says 'already started' || {
			gl_words=$BY_OUT
			gl_status=$BY_RC
			gl_try volume delete "$2" || by_note "volume $2 could not be deleted: $BY_OUT"
			BY_OUT=$gl_words
			BY_RC=$gl_status
			gl_clone_failed "clone, volume start" "$2" "$3"
		}
	fi
	gl_snap_drop "$3" || by_fail "gluster snapshot delete $3"
	gl_info "$2"
}
