#!/usr/bin/env -S MALLOC_MMAP_THRESHOLD_=1048576 node --max-semi-space-size=4 --heap-growing-percent=50
// The variable and the flags save memory: docs/decisions/0016-a-small-heap.md.
// Nothing else is loaded before this check: on an older Node the packages themselves fail, each in its own words.
const OLDEST = 24

if (Number.parseInt(process.versions.node, 10) < OLDEST) {
  const then = 'run `npx backupd` in the checkout, which takes the Node that `npm ci` installed'
  process.stderr.write(
    `backupd: it needs Node ${OLDEST} or newer, this is ${process.versions.node}: ${then}\n`,
  )
  process.exitCode = 1
} else {
  const { runCommand } = await import('./cli/run-command.ts')
  process.exitCode = await runCommand(process.argv.slice(2))
}

export {}
