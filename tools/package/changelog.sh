#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# changelog.sh [version] - debian/changelog of this checkout, on stdout; with `version` its version alone.
#
# The version is dkms.conf's, the text the first section of CHANGELOG.md. While that section is "Next", the version goes on
# with the time of the last commit: later than the release, earlier than the next one. The time is the last commit's, too, or
# SOURCE_DATE_EPOCH, or, outside of git, CHANGELOG.md's.
set -euo pipefail
cd "$(dirname "$0")/../.."

number=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"$/\1/p' dkms.conf)
section=$(sed -n '/^## /{s///p;q}' CHANGELOG.md)
when=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2> /dev/null || stat -c %Y CHANGELOG.md)}
maintainer=$(sed -n 's/^Maintainer: //p' debian/control)

case $section in
"$number") version=$number ;;
Next) version=$number+$(date -u -d "@$when" +%Y%m%d%H%M%S) ;;
*) echo "changelog.sh: the first section of CHANGELOG.md is '$section', not '$number' or 'Next'" >&2; exit 1 ;;
esac
if [ "${1:-}" = version ]; then
	echo "$version"
	exit 0
fi

# A line of the list starts an entry; what is indented goes on with it. All else, such as tables, is left to CHANGELOG.md.
entries() {
	awk -v section="## $section" '
		function show() { if (entry != "") print entry; entry = "" }
		$0 == section { inside = 1; next }
		/^## / { inside = 0 }
		!inside { next }
		/^- / { show(); entry = substr($0, 3); next }
		/^  [^|]/ && entry != "" { sub(/^ */, ""); entry = entry " " $0; next }
		{ show() }
		END { show() }' CHANGELOG.md
}

printf 'dm-corcache (%s) unstable; urgency=medium\n\n' "$version"
entries | while IFS= read -r entry; do
	fold -s -w 74 <<< "$entry" | sed 's/ *$//; 1s/^/  * /; 1!s/^/    /'
done
printf '\n -- %s  %s\n' "$maintainer" "$(LC_ALL=C date -u -R -d "@$when")"
