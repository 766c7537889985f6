#!/usr/bin/env -S MALLOC_MMAP_THRESHOLD_=1048576 node --max-semi-space-size=4 --heap-growing-percent=50
// What `npx backupd` runs, with the flags of src/main.ts. It is there before the first build, because npx remembers a
// program that it did not find, and then never finds it.
import { existsSync } from 'node:fs'

const main = new URL('../dist/main.js', import.meta.url)
if (existsSync(main)) await import(main)
else {
  process.stderr.write('backupd: it is not built: run `npm ci && npm run build` in the checkout\n')
  process.exitCode = 1
}
