import { goTime } from '../lib/go-time.ts'
import type { JobTimes, ScheduledJob } from '../wire/job.ts'

export function printJobTimes({ prev, next, job: { id, sleep } }: ScheduledJob): JobTimes {
  return { id, prev: goTime(prev), next: goTime(next), sleep }
}
