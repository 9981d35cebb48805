#!/bin/sh
# Written by trilithon: what is changed here by hand is taken back by the next `pulumi up`.
set -eu
sed -n 's/^\([^#=]*[^#= ]\) *= *\(.*\)$/\1 \2/p' /etc/sysctl.d/90-trilithon.conf | while read -r name wanted; do
  # Of a name with * several.
  for path in /proc/sys/$(printf '%s' "$name" | tr . /); do
    now=$(tr '\t' ' ' 2>/dev/null <"$path") || continue
    if [ "$now" = "$wanted" ]; then continue; fi
    if [ -w "$path" ]; then found=differs; else found=forbidden; fi
    if [ "$1" = "$found" ]; then printf '%s is %s, not %s\n' "$(printf '%s' "${path#/proc/sys/}" | tr / .)" "$now" "$wanted"; fi
  done
done
