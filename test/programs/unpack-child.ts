import { readFileSync } from 'node:fs'

/**
 * Unpacks argv[2] into argv[3] in a process of its own and prints `{ faults, warnings }`, as argv[4] says:
 * `plain` runs without libc, `nobody` drops its privileges first.
 */
const [archive = '', target = '', how = ''] = process.argv.slice(2)
if (how === 'plain') Object.defineProperty(process, 'platform', { value: 'elsewhere' })

const { loadKernel } = await import('../../src/lib/kernel.ts')
const { unpack } = await import('../support/unpack-kit.ts')
const bytes = readFileSync(archive)
loadKernel()
if (how === 'nobody') {
  process.setgroups?.([])
  process.setgid?.(65534)
  process.setuid?.(65534)
}
const { faults, warnings } = await unpack(bytes, target)
console.log(JSON.stringify({ kernel: loadKernel() !== undefined, faults, warnings }))
