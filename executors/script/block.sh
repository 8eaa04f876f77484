# SPDX-License-Identifier: GPL-2.0-or-later
# Block volumes: gluster-block prints JSON; its members are picked out here, since
# they are words and numbers, never objects.

# bl_try VERB ARGUMENTS...: the JSON in BY_OUT; FAIL is failure.
bl_try() {
	by_make_dir 0755 "$BY_LOCK"
	B_JSON=$(gluster-block "$@" --json </dev/null 2>"$BY_LOCK/block.$$")
	BY_RC=$?
	B_ERR=$(tail -c 2048 "$BY_LOCK/block.$$")
	rm -f "$BY_LOCK/block.$$"
	[ -n "$B_JSON" ] || B_JSON=$B_ERR
	B_RESULT=$(bl_member RESULT)
	BY_OUT=$(bl_member errMsg)
	[ -n "$BY_OUT" ] || BY_OUT=$(printf %s "$B_JSON" | tail -c 2048)
	[ "$BY_RC" = 0 ] && [ "$B_RESULT" != FAIL ] || {
		[ "$BY_RC" != 0 ] || BY_RC=1
		return 1
	}
}

# The text of a member, without its quotes; JSON's own escapes undone.
bl_member() {
	printf '%s\n' "$B_JSON" | tr '\n' ' ' |
		sed -n 's/.*"'"$1"'"[[:space:]]*:[[:space:]]*\("\(\([^"\\]\|\\.\)*\)"\|\([^",}[:space:]]*\)\).*/\2\4/p' |
		sed 's/\\\([\\"\/]\)/\1/g'
}

bl_is_json() {
	case $B_JSON in
	*'{'*'}'*) return 0 ;;
	esac
	return 1
}

bl_gone() {
	case $B_JSON in
	*"doesn't exist"* | *'does not exist'*) return 0 ;;
	esac
	return 1
}

# bl_info VOLUME NAME
bl_info() {
	by_at "gluster-block info $1/$2"
	if ! bl_try info "$1/$2"; then
		! bl_gone || by_die 7 "there is no block volume $1/$2: $BY_OUT"
		by_fail "gluster-block info $1/$2"
	fi
	bl_is_json || by_die 1 "Unparsable error during block volume info: $BY_OUT"
	b_gbid=$(bl_member GBID)
	by_result iqn "iqn.2016-12.org.gluster-block:$b_gbid"
	b_password=$(bl_member PASSWORD)
	if [ -n "$b_password" ]; then
		by_result username "$b_gbid"
		by_result password "$b_password"
	fi
	b_size=$(bl_bytes "$(bl_member SIZE)")
	by_result size_bytes "$b_size"
	# Some portals may not have heard of a resize: the smallest counts.  An old
	# gluster-block does not tell of them: then nothing is known.
	b_usable=
	b_failed=$(printf '%s\n' "$B_JSON" | tr '\n' ' ' |
		sed -n 's/.*"RESIZE FAILED ON"[[:space:]]*:[[:space:]]*{\([^}]*\)}.*/\1/p' |
		tr ',' '\n' | sed -n 's/.*:[[:space:]]*"\([^"]*\)".*/\1/p')
	while read -r b_one; do
		[ -n "$b_one" ] || continue
		b_one=$(bl_bytes "$b_one")
		[ -n "$b_usable" ] && [ "$b_one" -ge "$b_usable" ] ||
			b_usable=$b_one
	done <<-END
	$b_failed
	END
	[ -z "$b_usable" ] || by_result usable_bytes "$b_usable"
}

# "1.0 GiB" in bytes.
bl_bytes() {
	echo "$1" | awk '{
	n = $1; u = $2
	if (u == "") { u = n; sub(/^[0-9.]*/, "", u); sub(/[A-Za-z]*$/, "", n) }
	f = 1
	if (u ~ /^K/) f = 1024; else if (u ~ /^M/) f = 1048576
	else if (u ~ /^G/) f = 1073741824; else if (u ~ /^T/) f = 1099511627776
	printf "%.0f\n", n * f }'
}

# bl_create VOLUME NAME HA AUTH PREALLOC HOSTS SIZE: all but the size are checked.
bl_create() {
	by_at "gluster-block info $1/$2"
	if bl_try info "$1/$2"; then
		# From the last time: is it the one?
		b_size=$(bl_bytes "$(bl_member SIZE)")
		[ "$b_size" = "$(bl_bytes "$7")" ] ||
			by_die 8 "Failed to create block volume: $1/$2 is there already, with $b_size bytes"
		bl_info "$1" "$2"
		return
	fi
	by_mine
	by_at "gluster-block create $1/$2"
	if ! bl_try create "$1/$2" ha "$3" auth "$4" prealloc "$5" "$6" "$7"; then
		b_words='Unparsable error during block volume create'
		! bl_is_json || b_words='Failed to create block volume'
		BY_OUT="$b_words: $BY_OUT"
		by_fail -
	fi
	bl_is_json || by_die 1 "Unparsable error during block volume create: $BY_OUT"
	by_result iqn "$(bl_member IQN)"
	b_user=$(bl_member USERNAME)
	if [ -n "$b_user" ]; then
		by_result username "$b_user"
		by_result password "$(bl_member PASSWORD)"
	fi
	b_size=$(bl_bytes "$7")
	by_result size_bytes "$b_size"
	by_result usable_bytes "$b_size"
}

bl_expand() {
	by_mine
	by_at "gluster-block modify $1/$2"
	if ! bl_try modify "$1/$2" size "$3"; then
		bl_is_json ||
			by_die 1 "Unparsable error during block volume expand: $BY_OUT"
		b_words=$(bl_member errMsg)
		by_die 1 "Failed to expand block volume${b_words:+: $b_words} (see logs for details, and retry the operation)"
	fi
	bl_is_json || by_die 1 "Unparsable error during block volume expand: $BY_OUT"
}

bl_destroy() {
	by_mine
	by_at "gluster-block delete $1/$2"
	bl_try delete "$1/$2" || bl_gone || {
		BY_OUT="Failed to delete block volume: $BY_OUT"
		by_fail -
	}
}
