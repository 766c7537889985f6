import { createHash, type Hash } from 'node:crypto'
import { isIPv4 } from 'node:net'
import { compareTexts } from '../lib/compare-texts.ts'
import { doAtOnce, type Interruptible } from '../lib/in-slices.ts'
import { findNestedPaths } from '../lib/nested-paths.ts'
import type { Job } from '../wire/job.ts'
import type { PlannedServer, PlannedVolume } from './plan.ts'
import { planDrillJob } from './plan-drill.ts'
import { planVerifyJob } from './plan-verify.ts'
import { ExpireJob } from './planned-job.ts'

/** How many jobs are hashed without interruption. */
const JOBS_PER_STEP = 200

/** Decides which volumes of a server can be backed up together, and makes the list of its jobs. */
export function* planServer(ip: string, volumes: PlannedVolume[]): Interruptible<PlannedServer> {
  const problems = yield* findProblems(volumes)
  const accepted = volumes.filter((volume) => !problems.has(volume))
  const found = {
    volumes,
    problems,
    volumesByPath: accepted.toSorted((one, other) => compareTexts(one.path, other.path)),
    volumesByArchive: accepted.toSorted((one, other) => compareTexts(one.archive, other.archive)),
  }
  yield
  if (accepted.length === 0) return { ...found, plan: null, jobs: [], sortedJobs: [] }
  const backups = accepted.flatMap((volume) => volume.jobs)
  const known = [...backups, new ExpireJob(ip, backups)]
  const verify = planVerifyJob(ip, accepted)
  yield
  const hash = yield* hashInSteps(known)
  const versionWithoutVerify = printVersion(hash.copy())
  if (verify) hash.update(`,${JSON.stringify(verify.job)}`)
  const versionWithoutDrill = printVersion(hash.copy())
  const drill = planDrillJob(ip, accepted)
  if (drill) hash.update(`,${JSON.stringify(drill.job)}`)
  const plan = { ip, version: printVersion(hash), versionWithoutVerify, versionWithoutDrill }
  const jobs = [...known, ...[verify, drill].filter((job) => job !== undefined)]
  return { ...found, plan, jobs, sortedJobs: jobs.toSorted((a, b) => compareTexts(a.id, b.id)) }
}

/** The version of a list of jobs: a hash, so that every controller computes the same one for the same jobs. */
export function hashJobs(jobs: Job[]): string {
  return printVersion(doAtOnce(hashInSteps(jobs.map((job) => ({ job })))))
}

/** Of the JSON of the list without its last bracket, some jobs at a time. */
function* hashInSteps(jobs: readonly { job: Job }[]): Interruptible<Hash> {
  const hash = createHash('sha256').update('[')
  for (let n = 0; n < jobs.length; n += JOBS_PER_STEP) {
    const some = JSON.stringify(jobs.slice(n, n + JOBS_PER_STEP).map(({ job }) => job)).slice(1, -1)
    hash.update(n === 0 ? some : `,${some}`)
    yield
  }
  return hash
}

function printVersion(hash: Hash): string {
  return hash.update(']').digest('hex').slice(0, 32)
}

/** Why volumes are left out, one sentence each. */
function* findProblems(volumes: PlannedVolume[]): Interruptible<Map<PlannedVolume, string>> {
  const problems = new Map<PlannedVolume, string>()
  const above = volumesAbove(volumes)
  const byArchive = new Map<string, PlannedVolume>()
  for (const volume of volumes) {
    yield
    const problem =
      findProblem(volume, byArchive.get(volume.archive)) ?? describeNesting(volume, above.get(volume))
    if (problem === undefined) byArchive.set(volume.archive, volume)
    else problems.set(volume, problem)
  }
  return problems
}

/** Maps each volume that lies inside one of another proc to that outer volume. */
function volumesAbove(volumes: PlannedVolume[]): Map<PlannedVolume, PlannedVolume> {
  const owned = volumes.map((volume) => {
    const { server, path, proc, instanceNo } = volume
    return { server, path, owner: `${proc} ${instanceNo}`, volume }
  })
  return new Map(findNestedPaths(owned).map(({ inner, outer }) => [inner.volume, outer.volume]))
}

function findProblem(volume: PlannedVolume, namesake: PlannedVolume | undefined): string | undefined {
  const what = `Volume ${volume.name} of ${volume.proc}, instance ${volume.instanceNo}, is left out`
  if (!isIPv4(volume.server)) return `${what}: its server "${volume.server}" is not an IPv4 address`
  if (namesake)
    return `${what}: its backups would be named like those of ${namesake.name}; rename one of them`
  return undefined
}

/** Refuses nesting: the container of the outer volume could redirect a backup or recover of the inner one by a link. */
function describeNesting(inner: PlannedVolume, outer: PlannedVolume | undefined): string | undefined {
  if (!outer) return undefined
  const what = `Volume ${inner.name} of ${inner.proc}, instance ${inner.instanceNo}, is left out`
  const where = `volume ${outer.name} of ${outer.proc}, instance ${outer.instanceNo} ("${outer.path}")`
  return `${what}: its directory "${inner.path}" on ${inner.server} lies in ${where}; move one of them`
}
