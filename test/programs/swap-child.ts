import { writeFileSync } from 'node:fs'
import { holdRealPath } from '../../src/volume/held-volume.ts'
import { prepareStaging } from '../../src/volume/swap/staging.ts'
import { swapIn } from '../../src/volume/swap/swap.ts'
import type { Checkpoint } from '../../src/volume/swap/swap-options.ts'
import { claimVolume } from '../../src/volume/swap/volume-claim.ts'
import { fillNew, NEW_ROOT } from '../support/swap-content.ts'

/** Run as a process: recovers into a volume and kills itself at the n-th time it passes a point. */
interface Order {
  dataDir: string
  volume: string
  rid: string
  /** What could not be unpacked exactly. */
  unpackFaults?: number
  point: Checkpoint | 'staged' | 'never'
  /** From 1. */
  time: number
  /** Files made in the volume at `moved out`, as its own processes might. */
  appear?: string[]
}

const order = JSON.parse(process.argv[2] ?? '{}') as Order
let passed = 0

function pass(point: Checkpoint | 'staged'): void {
  if (point === 'moved out')
    for (const name of order.appear ?? []) writeFileSync(`${order.volume}/${name}`, 'appeared')
  if (point === order.point && ++passed === order.time) process.kill(process.pid, 'SIGKILL')
}

const claim = await claimVolume(order.dataDir, order.volume)
const staging = await prepareStaging(claim, { rid: order.rid, volume: holdRealPath(order.volume) })
fillNew(staging.target)
pass('staged')
await swapIn(staging, {
  root: NEW_ROOT,
  unpackFaults: order.unpackFaults ?? 0,
  signal: new AbortController().signal,
  warn: (message) => console.log(message),
  onRefused: (message) => console.log(message),
  checkpoint: pass,
})
