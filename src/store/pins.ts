import { isoTime } from '../lib/clock.ts'
import { BackupdError } from '../lib/errors.ts'
import {
  type BackupPin,
  type HeldThing,
  leaveOutEndedPins,
  listPins,
  MAX_PINS,
  type NewPin,
  printPin,
} from '../wire/pin.ts'
import { changeReasons, type OwnStore } from './change-reasons.ts'

/** See Store.pin. */
export async function addPin(own: OwnStore, thing: HeldThing, pin: NewPin): Promise<string> {
  const nowMs = own.world.trustedNow()
  refuseEnded(pin, nowMs)
  const text = printPin(pin, isoTime(nowMs))
  await changeReasons(own, thing, (reasons) => {
    const left = leaveOutEndedPins(reasons, nowMs)
    if (listPins(left).length >= MAX_PINS) throw tooManyPins(thing)
    return [...left, text]
  })
  return text
}

/** See Store.releasePin. */
export async function releasePin(own: OwnStore, thing: HeldThing, id: string | undefined): Promise<string> {
  const nowMs = own.world.trustedNow()
  let released = ''
  await changeReasons(own, thing, (reasons) => {
    const left = leaveOutEndedPins(reasons, nowMs)
    const pin = choosePin(thing, listPins(left), id)
    released = left.find((text) => listPins([text])[0]?.id === pin.id) ?? ''
    return left.filter((text) => text !== released)
  })
  return released
}

function choosePin({ name }: HeldThing, pins: readonly BackupPin[], id: string | undefined): BackupPin {
  const fitting = id === undefined ? pins : pins.filter((pin) => pin.id === id)
  const [pin, ...others] = fitting
  const ids = pins.map((one) => one.id)
  if (!pin) {
    const what = id === undefined ? 'it is not pinned' : `it has no pin ${id}`
    throw new BackupdError('NOT_FOUND', `Cannot release "${name}": ${what}`, { facts: { name, pins: ids } })
  }
  if (others.length === 0) return pin
  const what = `it has ${ids.length} pins, ${ids.join(', ')}: say which`
  throw new BackupdError('CONFLICT', `Cannot release "${name}": ${what}`, { facts: { name, pins: ids } })
}

function refuseEnded({ until }: NewPin, nowMs: number): void {
  if (until === null || Date.parse(until) > nowMs) return
  const what = `the time until which it is to be kept, ${until}, has passed: the clock of this server says ${isoTime(nowMs)}`
  throw new BackupdError('BAD_INPUT', `Cannot pin it: ${what}`)
}

function tooManyPins({ name }: HeldThing): BackupdError {
  const what = `it has ${MAX_PINS} pins, which is the limit. Release one of them first`
  return new BackupdError('CONFLICT', `Cannot pin "${name}": ${what}`, { facts: { name } })
}
