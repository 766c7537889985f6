// Volumes that live as real ones do, as the numbers of their runs: for how often judge-run.ts is wrong.
import type { RunNumbers } from '../../src/store/kinds/unusual/run-history.ts'

export interface SimulatedVolume {
  kind: VolumeKind
  /** The numbers of its next run. */
  next(): RunNumbers
}

export const VOLUME_KINDS = [
  'steady',
  'growing',
  'shrinking',
  'rotating',
  'emptied weekly',
  'wholly rewritten',
  'rewritten weekly',
  'spiky',
  'noisy',
  'small',
  'deployed to',
] as const
export type VolumeKind = (typeof VOLUME_KINDS)[number]

/** @param random numbers from 0 up to 1 */
export function simulateVolume(kind: VolumeKind, random: () => number): SimulatedVolume {
  const next = LIVES[kind](random)
  return {
    kind,
    next() {
      const { bytes, files, changed } = next()
      return {
        bytes: Math.max(Math.round(bytes), 0),
        files: Math.max(Math.round(files), 0),
        changed: Math.min(Math.max(changed, 0), 1),
      }
    },
  }
}

type Life = (random: () => number) => () => { bytes: number; files: number; changed: number }

const LIVES: Record<VolumeKind, Life> = {
  steady: (random) => {
    const { bytes, files } = makeSize(random)
    const share = random() * 0.3
    return () => ({
      bytes: bytes * around(random, 0.02),
      files: files * around(random, 0.01),
      changed: share * around(random, 0.3),
    })
  },
  growing: (random) => grow(random, 1 + random() * 0.1),
  shrinking: (random) => grow(random, 1 - random() * 0.05),
  /** Logs: each run has a new file, and the oldest goes. Numbered ones are all renamed, dated ones keep their names. */
  rotating: (random) => {
    const { bytes, files } = makeSize(random)
    const kept = 5 + Math.floor(random() * 25)
    const isNumbered = random() < 0.5
    return () => ({
      bytes: bytes * around(random, 0.2),
      files: files * around(random, 0.02),
      changed: isNumbered ? 0.9 + random() * 0.1 : 1 / kept + random() * 0.1,
    })
  },
  /** A cache or spool: fills for a week, and then is emptied. */
  'emptied weekly': (random) => {
    const { bytes, files } = makeSize(random)
    let day = Math.floor(random() * 7)
    return () => {
      day = (day + 1) % 7
      const fill = (day + 1) / 7
      return {
        bytes: bytes * fill * around(random, 0.2),
        files: files * fill * around(random, 0.2),
        changed: day === 0 ? 1 : 0.05,
      }
    }
  },
  /** Dumps: every night all files are written anew. */
  'wholly rewritten': (random) => {
    const { bytes, files } = makeSize(random)
    return () => ({ bytes: bytes * around(random, 0.1), files, changed: 0.95 + random() * 0.05 })
  },
  'rewritten weekly': (random) => {
    const { bytes, files } = makeSize(random)
    let day = Math.floor(random() * 7)
    return () => {
      day = (day + 1) % 7
      return { bytes: bytes * around(random, 0.05), files, changed: day === 0 ? 1 : random() * 0.1 }
    }
  },
  /** One run in twenty has up to eight times as much, and up to two thirds of the files are touched. */
  spiky: (random) => {
    const { bytes, files } = makeSize(random)
    return () => {
      const spike = random() < 0.05 ? 1 + random() * 7 : 1
      const touched = random() < 0.05 ? random() * 0.66 : random() * 0.1
      return { bytes: bytes * spike * around(random, 0.1), files: files * spike, changed: touched }
    }
  },
  /** The size of each run says nothing about the next one. */
  noisy: (random) => {
    const { bytes, files } = makeSize(random)
    const sigma = 0.2 + random() * 0.8
    return () => ({
      bytes: bytes * Math.exp(sigma * normal(random)),
      files: files * Math.exp(sigma * normal(random)),
      changed: random(),
    })
  },
  /** A few files of a few KiB, of which any number changes. */
  small: (random) => {
    const files = 1 + Math.floor(random() * 15)
    return () => ({ bytes: random() * 900_000, files: files * random(), changed: random() })
  },
  /** Code: now and then a part of it is replaced. */
  'deployed to': (random) => {
    const { bytes, files } = makeSize(random)
    let version = 1
    return () => {
      const isDeployed = random() < 0.07
      if (isDeployed) version *= 0.8 + random() * 0.5
      const changed = isDeployed ? 0.2 + random() * 0.55 : random() * 0.01
      return { bytes: bytes * version, files: files * version, changed }
    }
  },
}

/** From 10 MiB to 1 TiB, and from 30 to 1 million files. */
function makeSize(random: () => number) {
  return { bytes: 10 * 1024 ** 2 * 10 ** (random() * 5), files: 30 * 10 ** (random() * 4.5) }
}

function grow(random: () => number, factor: number) {
  let { bytes, files } = makeSize(random)
  return () => {
    bytes = Math.min(Math.max(bytes * factor * around(random, 0.05), 1e6), 1e15)
    files = Math.min(Math.max(files * factor, 25), 1e8)
    return { bytes, files, changed: Math.abs(factor - 1) + random() * 0.1 }
  }
}

function around(random: () => number, sigma: number): number {
  return Math.exp(sigma * normal(random))
}

/** Box and Muller. */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}
