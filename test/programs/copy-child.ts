import { mkdirSync, writeFileSync } from 'node:fs'
import { holdRealPath } from '../../src/volume/held-volume.ts'
import { type CopyCheckpoint, copyInPlace } from '../../src/volume/swap/copy-in-place.ts'
import { prepareStaging } from '../../src/volume/swap/staging.ts'
import { claimVolume } from '../../src/volume/swap/volume-claim.ts'
import { fillNew, NEW_ROOT } from '../support/swap-content.ts'

/** Run as a process: copies into a volume in which renames are refused, and kills itself at a point. */
interface Order {
  dataDir: string
  volume: string
  rid: string
  /** `writing`: at the n-th entry that is written. */
  point: CopyCheckpoint | 'unpacked' | 'writing' | 'never'
  time: number
  /** What could not be unpacked exactly. */
  unpackFaults?: number
  /** Files made in the volume once it is cleared, as its own processes might. */
  appear?: string[]
  /** How many nested directories are unpacked, with 20 files in each. */
  depth?: number
}

const order = JSON.parse(process.argv[2] ?? '{}') as Order
let passed = 0
let isWriting = false

function pass(point: Order['point']): void {
  if (point === 'cleared') {
    isWriting = true
    for (const name of order.appear ?? []) writeFileSync(`${order.volume}/${name}`, 'appeared')
  }
  if (point === order.point && ++passed === order.time) process.kill(process.pid, 'SIGKILL')
}

const claim = await claimVolume(order.dataDir, order.volume)
const volume = holdRealPath(order.volume)
const staging = await prepareStaging(claim, { rid: order.rid, volume, mayCopy: true })
if (staging.refusedRename === null) throw new Error('renames are not refused here')
fillNew(staging.target)
let deepest = staging.target
for (let level = 0; level < (order.depth ?? 0); level++) {
  deepest += '/z'
  mkdirSync(deepest)
  for (let file = 0; file < 20; file++) writeFileSync(`${deepest}/${file}`, '')
}
pass('unpacked')
await copyInPlace({
  staging,
  root: NEW_ROOT,
  unpackFaults: order.unpackFaults ?? 0,
  signal: new AbortController().signal,
  onWarning: ({ path, message }) => console.log(`${path}: ${message}`),
  onProgress: () => {
    if (isWriting) pass('writing')
  },
  checkpoint: pass,
})
