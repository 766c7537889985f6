import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type HeldVolume, holdRealPath } from '../../src/volume/held-volume.ts'
import { listPresentNotes, readKeptNotes } from '../../src/volume/swap/kept-note.ts'
import { prepareStaging } from '../../src/volume/swap/staging.ts'
import { swapIn } from '../../src/volume/swap/swap.ts'
import type { Checkpoint } from '../../src/volume/swap/swap-options.ts'
import { prepareUndo } from '../../src/volume/swap/undo-staging.ts'
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
  /** The old content is kept for so long. */
  keepMs?: number
  /** Puts back what this recover kept. */
  undo?: string
  /** The staging folder lies in the volume. */
  inside?: boolean
  /** Made at `committed` in the staging folder, as a container might if it lies in the volume; a file in the data directory. */
  plant?: { name: string; type: 'fifo' | 'directory' | 'file' }
  /** The user that it runs as, instead of root. */
  uid?: number
  /** Files made in the volume at `moved out`, as its own processes might. */
  appear?: string[]
}

const order = JSON.parse(process.argv[2] ?? '{}') as Order
let passed = 0

function pass(point: Checkpoint | 'staged'): void {
  if (point === 'moved out')
    for (const name of order.appear ?? []) writeFileSync(`${order.volume}/${name}`, 'appeared')
  if (point === 'committed' && order.plant) plant(order.plant)
  if (point === order.point && ++passed === order.time) process.kill(process.pid, 'SIGKILL')
}

function plant({ name, type }: NonNullable<Order['plant']>): void {
  const path = join(type === 'file' ? order.dataDir : staging.pointer.staging, name)
  if (type === 'fifo') execFileSync('mkfifo', [path])
  else if (type === 'file') writeFileSync(path, '')
  else mkdirSync(join(path, 'full'), { recursive: true })
}

if (order.uid !== undefined) process.setuid?.(order.uid)
const claim = await claimVolume(order.dataDir, order.volume)
const volume = holdRealPath(order.volume)
const notes = listPresentNotes(await readKeptNotes(order.dataDir))
const note = notes.find(({ rid }) => rid === order.undo)
const { keepMs, rid } = order
const staging = note
  ? await prepareUndo(claim, { rid, volume, note })
  : await prepareStaging(claim, { rid, volume: order.inside ? stageInside(volume) : volume })
if (!note) fillNew(staging.target)
pass('staged')
await swapIn(staging, {
  root: NEW_ROOT,
  ...(note && { keptRoot: note.root }),
  ...(keepMs !== undefined && { keep: { madeMs: 0, untilMs: keepMs, path: order.volume } }),
  unpackFaults: order.unpackFaults ?? 0,
  signal: new AbortController().signal,
  warn: (message) => console.log(message),
  onRefused: (message) => console.log(message),
  checkpoint: pass,
})
await staging[Symbol.asyncDispose]()

/** As if the directory above the volume could not be written. */
function stageInside(held: HeldVolume): HeldVolume {
  return { ...held, place: held.place, parent: '/proc/self/fdinfo' }
}
