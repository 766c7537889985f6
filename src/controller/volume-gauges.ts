import { readStanding } from '../domain/health/entries.ts'
import type { JobEntry, VolumeEntry } from '../domain/health/job-entry.ts'
import { joinStandings, listStates, VOLUME_STATES, type VolumeState } from '../domain/health/states.ts'
import { countByState } from '../domain/read-whole-health.ts'
import type { World } from '../domain/world.ts'
import { printLabels } from '../metrics/label-text.ts'
import { type MetricFamily, type MetricSample, makeCounts } from '../metrics/metric-family.ts'

const MODES = ['full', 'increment'] as const

/** A volume with its labels, which are printed once for all families. */
interface LabelledVolume extends Pick<VolumeEntry, 'jobs' | 'state'> {
  labels: string
}

/** What is known of each volume. The volumes are listed once, so that they are the same in each family. */
export function listVolumeGauges(world: World): MetricFamily[] {
  const volumes = new LabelledVolumes(
    VOLUME_STATES.flatMap((state) => [...world.health.volumes.listIn(state)]),
  )
  const counts = { name: 'backupd_volumes', help: 'Volumes of the inventory, each by its worst state.' }
  return [
    makeCounts(counts, 'state', countByState(world)),
    {
      name: 'backupd_volume_health',
      help: 'Always 1: a state that holds for a volume. One without faults has the state OK.',
      samples: () => volumes.readEach(readStates),
    },
    {
      name: 'backupd_volume_last_good_timestamp_seconds',
      help: 'When the newest good backup of a volume was made, by mode; 0 if there is none.',
      samples: () => volumes.readEach(readLastGood),
    },
    {
      name: 'backupd_volume_verified_timestamp_seconds',
      help: 'When a good backup of a volume was last proven restorable, by mode; 0 if none was.',
      samples: () => volumes.readEach(readVerified),
    },
    {
      name: 'backupd_volume_expected_interval_seconds',
      help: 'The longest time between two planned backups of a volume, by mode; none while the job is paused.',
      samples: () => volumes.readEach((volume) => readIntervals(world, volume)),
    },
  ]
}

/** Reads each volume, and prints its labels when it is first read, so that they all do not keep the event loop. */
class LabelledVolumes {
  readonly #entries: readonly VolumeEntry[]
  readonly #labelled: LabelledVolume[] = []

  constructor(entries: readonly VolumeEntry[]) {
    this.#entries = entries
  }

  *readEach(read: (volume: LabelledVolume) => readonly MetricSample[]): Generator<MetricSample> {
    for (let at = 0; at < this.#entries.length; at++) for (const sample of read(this.#find(at))) yield sample
  }

  #find(at: number): LabelledVolume {
    const volume = this.#labelled[at] ?? labelVolume(this.#entries[at] as VolumeEntry)
    this.#labelled[at] = volume
    return volume
  }
}

function labelVolume({ planned, jobs, state }: VolumeEntry): LabelledVolume {
  const { app, proc, instanceNo, name, server } = planned
  // While a proc moves, an instance can be on two servers: without the server, both would have the same series.
  const labels = printLabels({ app, proc, instance_no: String(instanceNo), volume: name, server })
  return { labels, jobs, state }
}

function readStates(volume: LabelledVolume): MetricSample[] {
  return listHeldStates(volume).map((state) => [`${volume.labels},state="${state}"`, 1])
}

/** A volume without jobs has no states but UNKNOWN. */
function listHeldStates({ jobs, state }: LabelledVolume): VolumeState[] {
  return jobs.length === 0 ? [state] : listStates(joinStandings(jobs.map(readStanding)))
}

/** Before the catalog was read, nothing is known. */
function readLastGood(volume: LabelledVolume): MetricSample[] {
  return readModes(volume, ([{ isLoaded, condition }]) =>
    isLoaded ? Math.floor((condition.lastGoodAt ?? 0) / 1000) : null,
  )
}

function readVerified(volume: LabelledVolume): MetricSample[] {
  return readModes(volume, ([{ isLoaded, condition }]) =>
    isLoaded ? Math.floor((condition.provenAt ?? 0) / 1000) : null,
  )
}

function readIntervals({ health }: World, volume: LabelledVolume): MetricSample[] {
  const now = health.clock.now()
  return readModes(volume, (jobs) => {
    const gaps = jobs.map(({ planned: { spec, server }, pausedSince }) => {
      const gap = pausedSince === null && health.times.longestGap(spec, health.servers.readZone(server), now)
      return gap || Number.POSITIVE_INFINITY
    })
    const shortest = Math.min(...gaps)
    return shortest === Number.POSITIVE_INFINITY ? null : shortest / 1000
  })
}

type JobsOfMode = readonly [JobEntry, ...JobEntry[]]

/** One sample for each mode; null: none. A backup of any job of a mode counts for all of them. */
function readModes(
  { jobs, labels }: LabelledVolume,
  read: (jobs: JobsOfMode) => number | null,
): MetricSample[] {
  const samples: MetricSample[] = []
  for (const mode of MODES) {
    const [first, ...others] = jobs.filter((job) => job.mode === mode)
    const value = first ? read([first, ...others]) : null
    if (value !== null) samples.push([`${labels},mode="${mode}"`, value])
  }
  return samples
}
