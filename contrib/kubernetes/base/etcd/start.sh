#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Starts one member of the etcd of a StatefulSet.  What there is to decide: is this
# the first start of all (a new cluster), a member that comes back (its data is
# there), or one whose data is gone (another node, a new disk)?  The last one takes
# its own place anew, which needs a quorum of the others.
#
#   MEMBER    name of this member: NAME-0, NAME-1, ...
#   MEMBERS   how many there are
#   SERVICE   the headless Service that gives them their names
#   DATA      directory; this member's data is in $DATA/$MEMBER
#   PEER_URL, CLIENT_URL   printf formats of the addresses of a member; tests
set -eu
umask 077
PEER_URL=${PEER_URL:-http://%s.$SERVICE:2380}
CLIENT_URL=${CLIENT_URL:-http://%s.$SERVICE:2379}
PEER_LISTEN=${PEER_LISTEN:-http://0.0.0.0:2380}
CLIENT_LISTEN=${CLIENT_LISTEN:-http://0.0.0.0:2379}

say() { echo "etcd-start: $MEMBER: $*" >&2; }
die() { say "$*"; exit 1; }
# shellcheck disable=SC2059 # the formats are variables
peer() { printf "$PEER_URL" "$1"; }
# shellcheck disable=SC2059
client() { printf "$CLIENT_URL" "$1"; }

base=${MEMBER%-*}
dir=$DATA/$MEMBER
all='' others='' i=0
while [ "$i" -lt "$MEMBERS" ]; do
	name=$base-$i
	all=$all,$name=$(peer "$name")
	[ "$name" = "$MEMBER" ] || others=$others,$(client "$name")
	i=$((i + 1))
done
all=${all#,} others=${others#,}
export ETCDCTL_API=3
ctl() { etcdctl --endpoints="$others" --dial-timeout=3s --command-timeout=10s "$@"; }

# A majority of the members has to answer: "ID, status, name, peers, ..." a line.
members=
if [ -n "$others" ]; then
	members=$(ctl member list 2>/dev/null) || members=
fi
mine=$(echo "$members" | grep -F ", $(peer "$MEMBER"), " || :)
name=$(echo "$mine" | cut -d, -f3 | tr -d ' ')
state=new
if [ -d "$dir/member" ]; then
	say "has its data"
	state=existing
elif [ -n "$members" ]; then
	state=existing
	if [ -z "$mine" ] || [ -n "$name" ]; then
		say "its data is not on this node: takes its place anew"
		if [ -n "$mine" ]; then
			ctl member remove "${mine%%,*}" >&2
		fi
		# Refused until the others have been in touch for some seconds.
		try=0
		until ctl member add "$MEMBER" --peer-urls="$(peer "$MEMBER")" >/dev/null; do
			try=$((try + 1))
			[ "$try" -lt 20 ] || die "the others don't take it in"
			sleep 2
		done
	fi
	# What etcd is told must be what the others know.
	all=$(ctl member list | awk -F', ' -v me="$(peer "$MEMBER")" -v n="$MEMBER" \
		'{ m = $4 == me ? n : $3 == "" ? "unnamed" NR : $3; s = s "," m "=" $4 } END { print substr(s, 2) }')
else
	# Nobody answers.  If this node has what another member wrote, the cluster is
	# no new one, and an empty one in its place would look as if all were lost.
	for d in "$DATA"/*/member; do
		[ -d "$d" ] || continue
		d=${d%/member}
		die "no member answers, and this node has the data of ${d##*/}, not" \
			"mine: bring the pods back to their nodes (cordon the others" \
			"and delete this pod), or restore a snapshot"
	done
fi
say "starts ($state): $all"
exec etcd --name="$MEMBER" --data-dir="$dir" \
	--listen-peer-urls="$PEER_LISTEN" --listen-client-urls="$CLIENT_LISTEN" \
	--initial-advertise-peer-urls="$(peer "$MEMBER")" \
	--advertise-client-urls="$(client "$MEMBER")" \
	--initial-cluster="$all" --initial-cluster-state="$state" \
	--initial-cluster-token="$base" \
	--auto-compaction-mode=periodic --auto-compaction-retention=1h \
	--quota-backend-bytes=2147483648 ${ETCD_MORE:-}
