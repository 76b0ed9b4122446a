#!/usr/bin/env bash
# Make codemirror.js from npm, of the versions in package.json and package-lock.json: build.sh
set -euo pipefail
cd "$(dirname "$0")"
npm ci --silent --ignore-scripts=false
npx esbuild entry.js --bundle --minify --format=esm --legal-comments=none \
  --banner:js="/* CodeMirror 6.0.2 and its packages, MIT License: codemirror/LICENSE */" \
  --outfile=../codemirror.js
rm -rf node_modules
