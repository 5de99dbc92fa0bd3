#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# deb.sh [OUT] - build the Debian packages of this checkout in OUT (default build/deb), which is emptied: `make deb`.
#
# In a copy of the sources, with the debian/changelog that changelog.sh writes; nothing of the checkout is changed. Needs what
# Build-Depends in debian/control names: `apt-get build-dep .`, or tools/testing/vm/deps.sh deb.
set -euo pipefail

TOP=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tools/testing/check/lib.sh
. "$TOP/tools/testing/check/lib.sh"

out=$(realpath -m "${1:-$BUILD/deb}")
version=$("$TOP/tools/package/changelog.sh" version)
source=$out/dm-corcache-$version

rm -rf "$out"
copy_project "$source"
"$TOP/tools/package/changelog.sh" > "$source/debian/changelog"
# The build's own files belong into the copy, wherever those of the checkout are.
(cd "$source" && env -u CORCACHE_BUILD -u BUILD -u TOP -u VM -u CHECK_DIR -u VERSION \
	dpkg-buildpackage --no-sign "-j${JOBS:-2}")
rm -rf "$source"
ls -l "$out"
