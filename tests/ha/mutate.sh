#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Take away one guard of several replicas at a time, and see that a test notices.
# By hand (it builds a copy of the tree and takes some minutes):
#
#	tests/ha/mutate.sh [NAME...]
#
# Exits with 1 if a mutant survives.  The chaos driver runs for CHAOS_SECONDS
# (60) where it is the one to notice.

set -u
TOP=$(cd "$(dirname "$0")/../.." && pwd)
CHAOS_SECONDS=${CHAOS_SECONDS-60}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
survived=0

# name | file | perl expression | tests that must fail
mutants()
{
	cat <<'END'
device-guard|store/txn.c|s/(const char \*key = keep\(t, r->key\);\n\n\t\*VEC_PUSH\(&t->owned\) = doc;\n\t)(\*VEC_PUSH\(&t->guards\))/$1if (strncmp(key, "devices\/", 8) != 0)\n\t\t$2/|t-races.t chaos
name-guard|store/txn.c|s/(const char \*key = keep\(t, r->key\);\n\n\t\*VEC_PUSH\(&t->owned\) = doc;\n\t)(\*VEC_PUSH\(&t->guards\))/$1if (strncmp(key, "index\/", 6) != 0)\n\t\t$2/|t-races.t
slot-guard|store/txn.c|s/(const char \*key = keep\(t, r->key\);\n\n\t\*VEC_PUSH\(&t->owned\) = doc;\n\t)(\*VEC_PUSH\(&t->guards\))/$1if (strncmp(key, "slots\/", 6) != 0)\n\t\t$2/|t-races.t
record-guards|store/txn.c|s/(const char \*key = keep\(t, r->key\);\n\n\t\*VEC_PUSH\(&t->owned\) = doc;\n\t)(\*VEC_PUSH\(&t->guards\))/$1if (strncmp(key, "operations\/", 11) != 0 && strncmp(key, "volumes\/", 8) != 0)\n\t\t$2/|t-fence-commit.t chaos
epoch-on-node|executors/simulated/sim-step.c|s/highest > epoch/highest > epoch + 1000/|t-fence-epoch.t
lease-deadline|core/engine.c|s/ \|\|\n\t       c->engine->leases_lost != c->leases_lost \|\|\n\t       clock_mono_ms\(\) >= store_lease_deadline_ms\(s\)/ || s == NULL/|t-fence-lease.t
epoch-of-adoption|core/engine.c|s/(e->deps.replica_id\);\n)\top->epoch\+\+;\n/$1/|t-takeover.t
barrier|store/mirror.c|s/\tif \(e == ERR_OK\)\n\t\te = wait_until\(m, revision, deadline_ms, err\);\n(\thistogram_add\(&m->stats.syncs)/$1/|t-any-replica.t
results-by-wall-clock|core/cleaner.c|s/op->revision > old/(old >= 0 && strtoll(l->v[i], NULL, 10) + keep_ms > clock_wall_ms())/|t-clocks.t
readiness-before-stop|api/h-own.c|s/if \(r->draining\)/if (r->stopping)/|t-rolling-restart.t
END
}

die()
{
	echo "ERROR: $*" >&2
	exit 2
}

run()
{
	if [ "$1" = chaos ]; then
		tests/ha/chaos.py --seconds "$CHAOS_SECONDS" --phase 15
	else
		tests/ha/$1
	fi
}

# Does this test notice?
try()
{
	local mutant=$1 test=$2
	if run "$test" >"$tmp/out" 2>&1; then
		echo "SURVIVED: $mutant, $test"
		survived=1
	else
		echo "caught: $mutant, $test: $(grep -m1 -E \
			'^not ok|VIOLATION' "$tmp/out" | cut -c1-100)"
	fi
}

tar -C "$TOP" --exclude=./build --exclude=./.git -cf - . | tar -C "$tmp" -xf -
cd "$tmp" || exit 2
[ -x configure ] || ./autogen.sh >/dev/null 2>&1 || die "autogen.sh failed"
mkdir build && (cd build && ../configure -q) || die "configure failed"
export BUILDDIR=$tmp/build SRCDIR=$tmp
build()
{
	make -s -C build -j2 all tests/ha/clock-shim.la >"$tmp/make" 2>&1 ||
		{ tail -n 20 "$tmp/make"; die "$1 can't be built"; }
}
build "the tree"

while IFS='|' read -r name file rest; do
	expression=${rest%|*} tests=${rest##*|}
	[ $# = 0 ] || [[ " $* " == *" $name "* ]] || continue
	cp "$file" "$tmp/original"
	perl -0777 -pi -e "$expression" "$file"
	cmp -s "$file" "$tmp/original" && die "$name: nothing to take away"
	build "$name"
	for test in $tests; do
		try "$name" "$test"
	done
	cp "$tmp/original" "$file"
done < <(mutants)
exit $survived
