import type { World } from './world.ts'

const SOURCE = 'overload'
const KEY = 'news'
/** A burst, such as that of midnight, is worked off sooner. */
const REPORT_AFTER_MS = 3 * 60_000

/** Makes it a problem if news has been refused for longer than a burst lasts. Call it now and then. */
export function reportOverload({ newsGate, problems, log }: World): void {
  const refusing = newsGate.refusing
  if (!refusing) {
    if (problems.clear(SOURCE, KEY)) log.info({}, 'All news is taken again')
    return
  }
  if (refusing.sinceMs < REPORT_AFTER_MS) return
  const minutes = Math.round(refusing.sinceMs / 60_000)
  const text = `More news arrives than the controller can take: it refused ${refusing.count} posts in ${minutes} minutes. Daemons keep their news and send it again. Check the disk of the data directory, the load of the machine, and how many connections are open`
  if (!problems.has(SOURCE, KEY)) log.warn({ ...refusing, ...newsGate.waiting }, text)
  problems.report({ source: SOURCE, key: KEY, text })
}
