# SPDX-License-Identifier: GPL-2.0-or-later
# The gluster CLI.  glusterd admits one transaction per volume and some per
# cluster: who finds it busy (G_BUSY, a pattern from the host) tries again.
gl_try() {
	gl_wait=1
	while :; do
		by_run gluster --mode=script "--timeout=$G_TIMEOUT" "$@" && return
		printf %s "$BY_OUT" | grep -qiE "$G_BUSY" || return "$BY_RC"
		by_clock
		# Near the end say what glusterd said, not that time is up.
		[ "$BY_LEFT" -gt $((gl_wait * 2)) ] || return "$BY_RC"
		by_nap "$gl_wait"
		[ "$gl_wait" -ge 5 ] || gl_wait=$((gl_wait + 1))
		by_mine
	done
}

# gl_do LABEL WORDS...
gl_do() {
	by_label=$1
	shift
	by_mine
	by_at "$by_label"
	gl_try "$@" || by_fail "$by_label"
}

gl_says() {
	printf %s "$BY_OUT" | grep -qi "$1"
}

# ---- nodes and peers

gl_alive() {
	by_at 'systemctl status glusterd'
	by_try systemctl status glusterd && return
	by_at 'gluster pool list'
	gl_try pool list && return
	gl_who=$(id -u)
	[ "$gl_who" != 0 ] ||
		by_die 1 "glusterd is not running on this node: $BY_OUT"
	by_die 1 "glusterd is not running on this node: $BY_OUT; or this user (uid $gl_who) may not ask it: log in as root, or switch the option sudo on"
}

gl_probe() {
	gl_do "peer probe $1" peer probe "$1"
	[ "$G_SNAPSHOTS" = 0 ] ||
		gl_do 'snapshot config snap-max-hard-limit' \
			snapshot config snap-max-hard-limit "$G_SNAPSHOTS"
}

gl_detach() {
	by_mine
	by_at "peer detach $1"
	gl_try peer detach "$1" || gl_says 'is not part of cluster' ||
		by_fail "peer detach $1"
}

# ---- what a volume is

# gl_fetch WORDS...: what gluster prints as XML, in G_XML; else 1, and BY_OUT.
gl_fetch() {
	gl_wait=1
	while :; do
		G_XML=$(gluster --mode=script "--timeout=$G_TIMEOUT" "$@" --xml </dev/null 2>&1)
		BY_RC=$?
		gl_rc=0
		case $G_XML in
		*'<cliOutput>'*'</cliOutput>'*)
			BY_OUT=$(printf %s "$G_XML" | head -c 4096 |
				sed -n 's,.*<opErrstr>\(.*\)</opErrstr>.*,\1,p')
			;;
		*)
			BY_OUT=$(printf %s "$G_XML" | tail -c 2048)
			gl_rc=1
			;;
		esac
		printf %s "$BY_OUT" | grep -qiE "$G_BUSY" || return "$gl_rc"
		by_clock
		[ "$BY_LEFT" -gt $((gl_wait * 2)) ] || return "$gl_rc"
		by_nap "$gl_wait"
		[ "$gl_wait" -ge 5 ] || gl_wait=$((gl_wait + 1))
		by_mine
	done
}

# gl_send KEY: G_XML for the host, without what it does not need.
gl_send() {
	printf '@BY %s data %s\n' "$BY_NONCE" "$1"
	printf '%s\n' "$G_XML" |
		sed -e 's,<hostUuid>[^<]*</hostUuid>,,' -e 's,<isArbiter>[^<]*</isArbiter>,,'
	printf '@BY %s .\n' "$BY_NONCE"
}

# Of the volume $1: V_THERE, V_STATUS, V_ID and V_BRICKS (host:path on lines).
gl_look() {
	by_at "gluster volume info $1"
	V_THERE=0
	V_STATUS=
	V_ID=
	V_BRICKS=
	if ! gl_fetch volume info "$1"; then
		gl_says 'does not exist' && return
		by_fail "gluster volume info $1"
	fi
	# shellcheck disable=SC2016
	gl_facts=$(printf '%s\n' "$G_XML" | tr '<' '\n' | awk '
	/^opRet>/ { ret = substr($0, 7) }
	/^opErrstr>/ { why = substr($0, 10) }
	/^volume>/ { there = 1 }
	/^statusStr>/ { print "status " substr($0, 11) }
	/^brick[ >]/ { s = $0; sub(/^[^>]*>/, "", s); if (s ~ /:\//) print "brick " s }
	/^name>/ { name = substr($0, 6) }
	/^value>/ { if (name == "user.heketi.id") print "id " substr($0, 7) }
	END {
	if (ret + 0 != 0 && why !~ /does not exist/) print "error " why
	else if (ret + 0 == 0 && there) print "there"
	}')
	while read -r gl_key gl_value; do
		case $gl_key in
		there) V_THERE=1 ;;
		status) V_STATUS=$gl_value ;;
		id) V_ID=$gl_value ;;
		brick) V_BRICKS="$V_BRICKS$gl_value
" ;;
		error)
			BY_OUT=$gl_value
			BY_RC=1
			by_fail "gluster volume info $1"
			;;
		esac
	done <<-END
	$gl_facts
	END
}

# A volume that has to be there.
gl_need() {
	gl_look "$1"
	[ "$V_THERE" = 1 ] || by_die 7 "gluster has no volume $1"
}

gl_has_brick() {
	case "
$V_BRICKS" in
	*"
$1
"*) return 0 ;;
	esac
	return 1
}

gl_info() {
	by_at "gluster volume info $1"
	if ! gl_fetch volume info "$1"; then
		gl_says 'does not exist' && by_die 7 "gluster has no volume $1"
		by_fail "gluster volume info $1"
	fi
	gl_send volume
}

# ---- making and changing one

# Is a volume of that name ours?  Its id says so, or, when we died before that was
# set, that it consists of our bricks ($3...) and no others.
gl_check_ours() {
	gl_name=$1
	gl_id=$2
	shift 2
	[ -n "$V_ID" ] && [ "$V_ID" = "$gl_id" ] && return
	if [ -z "$V_ID" ]; then
		gl_ours=0
		for gl_brick in "$@"; do
			! gl_has_brick "$gl_brick" || gl_ours=$((gl_ours + 1))
		done
		gl_all=$(printf %s "$V_BRICKS" | grep -c .)
		[ "$gl_all" -gt 0 ] && [ "$gl_ours" = "$gl_all" ] && return
	fi
	by_die 8 "gluster has a volume $gl_name already, which is another one (${V_ID:-not made by Brickyard})"
}

# gl_add NAME SETSIZE BRICK...: add the sets that it does not have.
gl_add() {
	gl_name=$1
	gl_size=$2
	shift 2
	gl_left=$#
	while [ "$gl_left" -gt 0 ]; do
		gl_n=0
		gl_i=0
		for gl_brick in "$@"; do
			gl_i=$((gl_i + 1))
			[ "$gl_i" -le "$gl_size" ] || break
			! gl_has_brick "$gl_brick" || gl_n=$((gl_n + 1))
		done
		if [ "$gl_n" != 0 ] && [ "$gl_n" != "$gl_size" ]; then
			by_die 8 "volume $gl_name has $gl_n of the $gl_size bricks of a set: it was changed by somebody else"
		fi
		# Take the set from the front; what is missing goes to the end.
		gl_i=0
		while [ "$gl_i" -lt "$gl_size" ]; do
			[ "$gl_n" != 0 ] || set -- "$@" "$1"
			shift
			gl_i=$((gl_i + 1))
		done
		gl_left=$((gl_left - gl_size))
	done
	[ $# = 0 ] ||
		gl_do "gluster volume add-brick $gl_name" volume add-brick "$gl_name" "$@"
}

# gl_create NAME WORDS...: V_THERE tells whether it was there already.
gl_create() {
	V_THERE=0
	V_STATUS=
	gl_name=$1
	by_mine
	by_at "gluster volume create $gl_name"
	gl_try volume create "$@" && return
	gl_words=$BY_OUT
	gl_status=$BY_RC
	gl_look "$gl_name"
	if [ "$V_THERE" = 0 ]; then
		BY_OUT=$gl_words
		BY_RC=$gl_status
		by_fail "gluster volume create $gl_name"
	fi
}

# gl_set NAME KEY [VALUE]
gl_set() {
	gl_do "gluster volume set $1 $2" volume set "$@"
}

# gl_sets NAME KEY VALUE [KEY VALUE]...: all at once, or, if gluster does not want
# that, one after the other, so that who reads the error knows which.
gl_sets() {
	gl_name=$1
	if [ $# -gt 3 ]; then
		by_mine
		by_at "gluster volume set $gl_name"
		gl_try volume set "$@" && return
	fi
	shift
	while [ $# -gt 0 ]; do
		gl_set "$gl_name" "$1" "$2"
		shift 2
	done
}

gl_start() {
	[ "$V_STATUS" != Started ] || return 0
	by_mine
	by_at "gluster volume start $1"
	gl_try volume start "$1" || gl_says 'already started' ||
		by_fail "gluster volume start $1"
}

gl_rebalance() {
	by_mine
	by_at "gluster volume rebalance $1"
	gl_try volume rebalance "$1" start ||
		by_note "volume $1: rebalance did not start, ignoring: $BY_OUT"
}

gl_delete() {
	by_mine
	by_at "gluster volume delete $1"
	gl_try volume delete "$1" || gl_says 'does not exist'
}

gl_destroy() {
	by_mine
	by_at "gluster volume stop $1"
	if ! gl_try volume stop "$1" force; then
		gl_says 'does not exist' && return
		gl_says 'not in the started state' ||
			by_note "volume $1 did not stop, trying to delete it: $BY_OUT"
	fi
	gl_delete "$1" && return
	# Snapshots are somebody's, except those of clones that were not finished.
	if gl_says 'as it has .* snapshots'; then
		gl_words=$BY_OUT
		gl_status=$BY_RC
		gl_snap_clear "$1" && gl_delete "$1" && return
		BY_OUT=$gl_words
		BY_RC=$gl_status
	fi
	BY_OUT="Unable to delete volume $1: $BY_OUT"
	by_fail -
}
