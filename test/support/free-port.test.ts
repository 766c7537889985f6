import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const module = fileURLToPath(new URL('free-port.ts', import.meta.url))

/** Prints the ports of one process, which ends with its standard input. */
const CODE = `const { freePort } = await import(${JSON.stringify(module)})
const ports = []
for (let n = 0; n < 300; n++) ports.push(await freePort())
console.log(ports.join(' '))
process.stdin.resume()`

test('no port is given twice, whatever process asks', async () => {
  const processes = [1, 2, 3].map(() => spawn(process.execPath, ['--input-type=module', '-e', CODE]))
  const printed = await Promise.all(processes.map(({ stdout }) => once(stdout, 'data')))
  for (const { stdin } of processes) stdin.end()
  const ports = printed.flatMap(([line]) => String(line).trim().split(' '))
  expect(ports).toHaveLength(900)
  expect(new Set(ports).size).toBe(900)
})
