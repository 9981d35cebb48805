#!/bin/sh
# Copies the source to its output with the static files that Django collects.
set -eu
source=$(dirname "$0") output=$1
rm -rf "$output" "$output.venv"
mkdir -p "$output"
cp -R "$source/." "$output"
python3 -m venv "$output.venv"
"$output.venv/bin/pip" install --quiet -r "$source/requirements.txt"
cd "$output"
"$output.venv/bin/python" manage.py collectstatic --no-input
rm -rf "$output.venv"
