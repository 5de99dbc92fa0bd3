#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# activate_units.prepare.sh - makes of a guest of the lab, before systemd starts in it, a
# host with a corcachetab: see test_activate_units.host.sh.
#
# Environment: HOST_FILES (tools, and what was built of the tool), ROUND.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../../../.." && pwd)
units=/run/systemd/system

install_tool() {
	install -m 755 "$HOST_FILES/corcache" /usr/sbin/corcache
	install -m 755 "$HOST_FILES/corcache-generator" /run/lab-generators/corcache-generator
	mkdir -p /run/udev/rules.d
	cp "$top/tools/udev/dm-corcache.rules" /run/udev/rules.d/58-dm-corcache.rules
	cp "$top/tools/udev/corcache-attach.rules" /run/udev/rules.d/90-corcache-attach.rules
	# an NBD device that is not ready, as 99-systemd.rules have it for one that is not connected
	cat > /run/udev/rules.d/99-zz-test.rules <<- END
		KERNEL=="nbd0", TEST=="/run/nbd0-not-ready", ENV{SYSTEMD_READY}="0"
	END
}

load_modules() {
	modprobe dm-mod
	modprobe -q libcrc32c || true
	modprobe nbd nbds_max=2 max_part=0
	insmod "$CORCACHE_KO"
}

# What will come is waited for as long as it takes; what will not, a moment.
write_tab() {
	local origin=10min cache=10min
	case $ROUND in
	2) origin=5 ;;
	3) cache=5 ;;
	esac
	cat > /etc/corcachetab <<- END
		# name origin cache options
		img    /dev/nbd0 /dev/vda     _netdev,origin-timeout=$origin,x-systemd.device-timeout=$cache,commit-interval=1h,origin-id=pattern
		broken /dev/nbd0 /dev/nowhere _netdev,nofail,cache-missing=fail,origin-timeout=$origin,x-systemd.device-timeout=5
		later  /dev/nbd0 /dev/vdb     _netdev,noauto
		wrong  /dev/nbd0 /dev/vdc     orgin-id=pattern
	END
}

# unit NAME: a service from standard input, that isolating another target does not stop
unit() {
	{
		printf '[Unit]\nDefaultDependencies=no\nIgnoreOnIsolate=yes\nStartLimitIntervalSec=0\n'
		cat
	} > "$units/$1.service"
}

write_units() {
	unit server <<- END
		[Service]
		ExecStart=nbdkit -f -i 127.0.0.1 -p 10810 -r --filter=log pattern size=32M logfile=/run/server.log logappend=true
	END
	# what is not answered waits for another connection; see corcache_nbd.c
	unit client <<- END
		Wants=server.service
		After=server.service
		[Service]
		Type=oneshot
		RemainAfterExit=yes
		Restart=on-failure
		RestartSec=1
		ExecStart=$HOST_FILES/corcache_nbd connect 0 10810 33554432 4 600
	END
	cat > $units/other.target <<- END
		[Unit]
		DefaultDependencies=no
		AllowIsolate=yes
		Wants=lab.service systemd-udevd.service systemd-udevd-kernel.socket systemd-udevd-control.socket
	END
	mkdir -p $units/lab.target.d
	cat > $units/lab.target.d/boot.conf <<- END
		[Unit]
		Wants=systemd-udevd.service systemd-udev-trigger.service remote-fs.target
		Wants=systemd-udevd-kernel.socket systemd-udevd-control.socket
		$([ "$ROUND" = 2 ] || echo Wants=client.service)
	END
	printf '[Manager]\nDefaultStandardError=kmsg\nDefaultTimeoutStartSec=10min\n' > /run/systemd/system.conf.d/activate.conf
}

install_tool
load_modules
write_tab
write_units
# the cache device is not there yet
[ "$ROUND" != 3 ] || basename "$(readlink -f /sys/block/vda/device)" > /sys/bus/virtio/drivers/virtio_blk/unbind
