import { newRid } from '../src/wire/ids.ts'
import { peakMiB } from './peak-memory.ts'
import { openBenchStore } from './verify-store.ts'

/** Verifies one backup of a store and prints what was found, with the peak memory. Arguments: store, data, name. */
const [storeDir = '', dataDir = '', name = ''] = process.argv.slice(2)
const { store, ip } = await openBenchStore(storeDir, dataDir)
await using backup = await store.find(ip, name)
if (!backup) throw new Error(`there is no ${name}`)
const { signal } = new AbortController()
const warn = (message: string) => console.error(message)
const verdict = await backup.verify({ rid: newRid(Date.now()), dataDir, signal, warn, onProgress: () => {} })
process.stdout.write(JSON.stringify({ outcome: verdict.outcome, peakMiB: peakMiB() }))
