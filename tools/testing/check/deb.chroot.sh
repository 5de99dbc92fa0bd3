#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# deb.chroot.sh CASE VERSION OLD - the part of deb.sh that runs in a chroot: packages of version VERSION are in
# /srv/packages/new, those of version OLD in /srv/packages/old; the headers of one kernel are installed. After the case
# all has to be as it was before. Exit status: 0, 1 with a message.
# shellcheck disable=SC2317 # cases are called by name
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin

VERSION=$2 OLD=$3
PACKAGES=/srv/packages

fail() {
	printf 'FAILED: %s\n' "$*" >&2
	exit 1
}

# All files, and the content of those that a package's scripts could change, but for what every use of dpkg changes, and the key that dkms makes for the machine when
# it signs for the first time.
files_of_the_system() {
	local places=(/etc /usr /var /opt /boot /root /home)
	find "${places[@]}" -xdev \( -path /var/log -o -path /var/cache -o -path '/var/lib/dpkg/*-old' -o -path '/var/lib/dpkg/lock*' \
		-o -path /var/lib/dpkg/triggers -o -path '/var/lib/dkms/mok.*' -o -path '/usr/src/linux-*' \) -prune \
		-o -printf '%p %y %m\n' | sort
	find /etc /var/lib /usr/lib /usr/src /usr/sbin -xdev \( -path '/var/lib/dpkg/*-old' -o -path '/var/lib/dpkg/lock*' \
		-o -path /var/lib/dpkg/triggers -o -path '/var/lib/dkms/mok.*' -o -path '/usr/src/linux-*' -o -path /usr/lib/gcc \
		-o -path /usr/lib/x86_64-linux-gnu \) -prune -o -type f -print0 | sort -z | xargs -0 sha256sum
}

# Packages by their names, in this order; what they print is in /tmp/log.
put() { # old|new PACKAGE...
	local dir=$PACKAGES/$1 files=() p
	shift
	for p in "$@"; do files+=("$dir/$p"_*.deb); done
	dpkg -i "${files[@]}" > /tmp/log 2>&1 || { cat /tmp/log; fail "dpkg -i ${files[*]}"; }
	cat /tmp/log
}

purge() { dpkg --purge "$@" || fail "dpkg --purge $*"; }

has_module() { # VERSION
	local kernel
	kernel=$(ls /lib/modules)
	dkms status
	[ "$(dkms status dm-corcache | grep -c ': installed')" = 1 ] || fail "dkms does not have it installed once"
	modinfo -k "$kernel" -n dm-corcache || fail "modinfo does not find the module for $kernel"
	[[ $(dkms status dm-corcache) == dm-corcache/"$1",* ]] || fail "dkms has not version $1"
	[ -e /usr/lib/udev/rules.d/58-dm-corcache.rules ] || fail "there is no udev rule"
}

has_tool() { # VERSION
	[ "$(corcache version)" = "corcache $1" ] || fail "the tool says '$(corcache version)'"
}

nothing_left() { # LIST-OF-BEFORE
	files_of_the_system > /tmp/after
	diff "$1" /tmp/after || fail "something is left, or is missing, after the purge"
}

install_module_first() {
	put new dm-corcache-dkms
	has_module "$VERSION"
	put new corcache-tools
	has_tool "$VERSION"
	purge corcache-tools
	has_module "$VERSION"
	purge dm-corcache-dkms
}

install_tools_first() {
	put new corcache-tools
	has_tool "$VERSION"
	put new dm-corcache-dkms
	has_module "$VERSION"
	dpkg --remove dm-corcache-dkms
	has_tool "$VERSION"
	[ -z "$(find /lib/modules -name 'dm-corcache.ko*')" ] || fail "the module is left after the removal of its package"
	purge dm-corcache-dkms corcache-tools
}

# The old version's module has the new version's sources, but for dkms.conf.
upgrade() {
	put old dm-corcache-dkms corcache-tools
	has_module "$OLD"
	put new corcache-tools dm-corcache-dkms
	has_module "$VERSION"
	has_tool "$VERSION"
	[ ! -e "/usr/src/dm-corcache-$OLD" ] || fail "the old version's sources are left"
	purge corcache-tools dm-corcache-dkms
}

secure_boot() {
	local variable=/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c
	# nothing is to be built here
	mv /lib/modules /lib/modules.away
	mkdir -p "${variable%/*}" /lib/modules
	put new dm-corcache-dkms
	! grep -i 'secure boot' /tmp/log || fail "without EFI something is said of Secure Boot"
	purge dm-corcache-dkms
	printf '\6\0\0\0\0' > "$variable"
	put new dm-corcache-dkms
	! grep -i 'secure boot' /tmp/log || fail "with Secure Boot off something is said of it"
	purge dm-corcache-dkms
	printf '\6\0\0\0\1' > "$variable"
	put new dm-corcache-dkms
	grep -F 'mokutil --import /var/lib/dkms/mok.pub' /tmp/log || fail "with Secure Boot on nothing is said of mokutil"
	purge dm-corcache-dkms
	echo 'mok_certificate="/etc/keys/mine.der"' >> /etc/dkms/framework.conf
	put new dm-corcache-dkms
	grep -F 'mokutil --import /etc/keys/mine.der' /tmp/log || fail "the key that framework.conf names is not named"
	purge dm-corcache-dkms
	sed -i '/mine.der/d' /etc/dkms/framework.conf
	rmdir /lib/modules
	mv /lib/modules.away /lib/modules
}

case $1 in
install_module_first | install_tools_first | upgrade | secure_boot) ;;
*) fail "unknown case '$1'" ;;
esac
# What depmod makes of a kernel without modules is there before.
depmod "$(ls /lib/modules)"
files_of_the_system > /tmp/before
"$1"
nothing_left /tmp/before
