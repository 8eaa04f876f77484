# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced by contrib/check and contrib/quickstart: what they need of Debian, and
# how to get what is missing.  Needs root only when something is missing.

BUILD_PACKAGES="autoconf automake libtool pkg-config gcc make libc6-dev perl
	libcurl4-openssl-dev libjansson-dev libmicrohttpd-dev libgnutls28-dev
	libblkid-dev liblvm2-dev libsqlite3-dev libssl-dev libssh-dev
	libwebsockets-dev libyaml-dev uthash-dev"
NODE_PACKAGES="glusterfs-server glusterfs-client lvm2 thin-provisioning-tools
	xfsprogs kmod iproute2 curl procps util-linux mount"
LAB_PACKAGES="python3 etcd-server etcd-client haproxy openssh-server
	openssh-client sudo user-mode-linux patchelf"
TEST_PACKAGES="g++ python3 etcd-server haproxy iproute2 util-linux
	openssl valgrind binutils sqlite3
	attr e2fsprogs fdisk zsh fish clang libclang-rt-14-dev
	$LAB_PACKAGES python3-venv buildah mmdebstrap"
# Whoever has a kubectl of another origin can't have Debian's beside it.
command -v kubectl >/dev/null || TEST_PACKAGES="$TEST_PACKAGES kubernetes-client"

say()
{
	printf '%s\n' "==> $*"
}

die()
{
	printf '%s\n' "ERROR: $*" >&2
	exit 1
}

# need_packages NAME...: install those that are not there.
need_packages()
{
	local p missing=
	for p in "$@"; do
		dpkg-query -W -f='${Status}' "$p" 2>/dev/null |
			grep -q 'install ok installed' || missing="$missing $p"
	done
	[ -z "$missing" ] && return 0
	[ "$(id -u)" = 0 ] || die "these packages are missing, and only root" \
		"can install them:$missing"
	say "installing:$missing"
	# Packages must not start services of their own here.
	local policy=/usr/sbin/policy-rc.d made=
	if [ ! -e "$policy" ]; then
		printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
		made=1
	fi
	{ apt-get update -qq &&
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
		--no-install-recommends $missing; } >/dev/null
	local status=$?
	[ -n "$made" ] && rm -f "$policy"
	[ $status = 0 ] || die "apt-get could not install:$missing"
}

# build DIR [CONFIGURE-ARGUMENT...]: configure and make out of tree.
build()
{
	local dir=$1
	shift
	[ -x "$TOP/configure" ] && [ "$TOP/configure" -nt "$TOP/configure.ac" ] ||
		(cd "$TOP" && ./autogen.sh) >"$TOP/autogen.log" 2>&1 ||
		{ tail -n 20 "$TOP/autogen.log" >&2; die "autogen.sh failed"; }
	mkdir -p "$dir" && cd "$dir" || die "no directory $dir"
	[ -e config.status ] ||
		"$TOP/configure" -q "$@" || die "configure failed, see $dir/config.log"
	make -s -k -j"$(nproc)" >make.log 2>&1 || {
		grep -E -B1 -A3 ' error: |warning: |undefined reference|\*\*\*' make.log |
			head -n 60 >&2
		die "make failed, see $dir/make.log"
	}
	cd "$TOP" || exit 1
}
