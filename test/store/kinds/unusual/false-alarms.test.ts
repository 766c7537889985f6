import { expect, test } from 'vitest'
import { judgeRun } from '../../../../src/store/kinds/unusual/judge-run.ts'
import {
  NO_HISTORY,
  parseHistory,
  printHistory,
  type RunHistory,
} from '../../../../src/store/kinds/unusual/run-history.ts'
import { randomOf } from '../../../support/random-edits.ts'
import {
  type SimulatedVolume,
  simulateVolume,
  VOLUME_KINDS,
  type VolumeKind,
} from '../../../support/simulated-volumes.ts'

const RUNS = 100_000
const RUNS_OF_A_VOLUME = 100
const SEED = 20_261_201

interface Lived {
  volume: SimulatedVolume
  history: RunHistory
  alarms: string[]
}

/** Lets a volume live for a while, as its manifests tell it. */
function live(volume: SimulatedVolume): Lived {
  const alarms: string[] = []
  let history = NO_HISTORY
  for (let run = 0; run < RUNS_OF_A_VOLUME; run++) {
    const judged = judgeRun(volume.next(), history, run)
    alarms.push(...judged.reasons)
    history = parseHistory(printHistory(judged.history))
  }
  return { volume, history, alarms }
}

const random = randomOf(SEED)
const lived = Array.from({ length: Math.ceil(RUNS / RUNS_OF_A_VOLUME) }, (_, n) =>
  live(simulateVolume(VOLUME_KINDS[n % VOLUME_KINDS.length] as VolumeKind, random)),
)

/** Of all volumes of these kinds, the share whose next run is found to be unusual if it differs so. */
function findShareOfFound(
  kinds: readonly VolumeKind[],
  event: (lived: Lived) => { bytes: number; files: number; changed: number },
): number {
  const some = lived.filter(({ volume }) => kinds.includes(volume.kind))
  const found = some.filter((one) => judgeRun(event(one), one.history, RUNS_OF_A_VOLUME).reasons.length > 0)
  return found.length / some.length
}

test('at most one of 100,000 runs of volumes that live as they always did is called unusual', () => {
  expect(lived.length * RUNS_OF_A_VOLUME).toBeGreaterThanOrEqual(RUNS)
  expect(lived.flatMap(({ alarms }) => alarms).length).toBeLessThanOrEqual(1)
})

test('encryption of all files is found, where files are not all rewritten by habit', () => {
  const encrypt = ({ history }: Lived) => ({ ...(history.runs.at(-1) ?? fail()), changed: 0.97 })
  expect(findShareOfFound(['steady', 'growing', 'shrinking', 'spiky'], encrypt)).toBeGreaterThan(0.95)
})

test('the loss of nine tenths is found, also where all files are rewritten each night', () => {
  const lose = ({ history }: Lived) => {
    const { bytes, files } = history.runs.at(-1) ?? fail()
    return { bytes: bytes * 0.08, files: files * 0.08, changed: 0.92 }
  }
  const kinds = [
    'steady',
    'growing',
    'shrinking',
    'rotating',
    'wholly rewritten',
    'rewritten weekly',
  ] as const
  expect(findShareOfFound(kinds, lose)).toBeGreaterThan(0.99)
})

function fail(): never {
  throw new Error('a volume without runs')
}
