/** Reads a zone's wall clock independently of the code under test: by another locale and format. */
export interface Reading {
  instant: number
  /** `YYYY-MM-DD hh:mm:ss` as numbers. */
  year: number
  month: number
  day: number
  hour: number
  minute: number
  second: number
  weekday: number
}

/** Each step from `from` to `to` (unix ms) with the wall clock's reading. */
export function readWallClock(
  zone: string,
  from: number,
  options: { to: number; stepMs: number },
): Reading[] {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' })
  const readings: Reading[] = []
  for (let instant = from; instant <= options.to; instant += options.stepMs) {
    const [date = '', time = ''] = format.format(instant).split(' ')
    const [year = 0, month = 0, day = 0] = date.split('-').map(Number)
    const [hour = 0, minute = 0, second = 0] = time.split(':').map(Number)
    const weekday = new Date(Date.UTC(year, month - 1, day)).getUTCDay()
    readings.push({ instant, year, month, day, hour, minute, second, weekday })
  }
  return readings
}
