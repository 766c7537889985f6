import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readTime } from '../../src/lib/trusted-time.ts'
import { MACHINE_START, machineClocks } from '../support/machine-clocks.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

describe('the trusted clock', () => {
  it('follows a wall clock that drifts or is set by less than five minutes', () => {
    const machine = machineClocks()
    const trusted = machine.start()
    for (let day = 0; day < 3; day++) {
      machine.jump(5 * MINUTE)
      machine.run(trusted, HOUR)
      expect(trusted.doubt).toBeNull()
    }
    expect(trusted.now()).toBe(machine.clock.now())
  })

  it.each([60 * DAY, -60 * DAY])('computes ages by the smaller time after a jump of %d ms', (jump) => {
    const machine = machineClocks()
    const trusted = machine.start()
    machine.jump(jump)
    machine.run(trusted, MINUTE)
    expect(trusted.doubt).toEqual({
      wallMs: MACHINE_START + jump + MINUTE,
      trustedMs: MACHINE_START + MINUTE,
    })
    expect(trusted.now()).toBe(MACHINE_START + MINUTE + Math.min(jump, 0))
    expect(trusted.problems[0]?.text).toMatch(/^The clock says .*, expected 2026-11-23T09:01:00/)
    machine.jump(-jump)
    machine.run(trusted, MINUTE)
    expect(trusted.doubt).toBeNull()
    expect(trusted.problems).toEqual([])
  })

  it('notices a jump before the next tick, and one that came while the program was stopped', () => {
    const machine = machineClocks()
    machine.start()
    machine.pass(DAY)
    machine.jump(60 * DAY)
    const again = machine.start()
    expect(again.doubt?.trustedMs).toBe(MACHINE_START + DAY)
    expect(again.now()).toBe(MACHINE_START + DAY)
  })

  it('counts the time that the machine was suspended', () => {
    const machine = machineClocks()
    const trusted = machine.start()
    machine.pass(3 * DAY)
    expect(trusted.doubt).toBeNull()
    trusted.tick()
    expect(trusted.now()).toBe(MACHINE_START + 3 * DAY)
  })

  it('does not count a suspended machine as steady time, in which nobody saw its clock', () => {
    const machine = machineClocks()
    const trusted = machine.start()
    machine.jump(2 * HOUR)
    machine.run(trusted, 2 * HOUR)
    machine.pass(12 * HOUR)
    trusted.tick()
    expect(trusted.doubt).not.toBeNull()
    machine.run(trusted, 3 * HOUR + 55 * MINUTE)
    expect(trusted.doubt).not.toBeNull()
    machine.run(trusted, 5 * MINUTE)
    expect(trusted.doubt).toBeNull()
  })

  it('treats the restart of a container, whose boot id stays, as a start of the machine', () => {
    const machine = machineClocks()
    machine.run(machine.start(), DAY)
    machine.restartContainer()
    const trusted = machine.start()
    expect(trusted.doubt).toBeNull()
    expect(trusted.now()).toBe(machine.clock.now())
  })

  it('ends the doubt after six steady hours', () => {
    const machine = machineClocks()
    const trusted = machine.start()
    machine.jump(60 * DAY)
    machine.run(trusted, 6 * HOUR - MINUTE)
    expect(trusted.doubt).not.toBeNull()
    machine.run(trusted, 2 * MINUTE)
    expect(trusted.doubt).toBeNull()
    expect(trusted.now()).toBe(machine.clock.now())
  })

  it('sums steady hours over restarts of the program, not over a sleep that nobody observed', () => {
    const machine = machineClocks()
    machine.start()
    machine.jump(60 * DAY)
    for (let part = 0; part < 2; part++) {
      const trusted = machine.start()
      machine.run(trusted, 2 * HOUR)
      trusted.flush()
      machine.pass(8 * HOUR)
    }
    const third = machine.start()
    expect(third.doubt).not.toBeNull()
    machine.run(third, 2 * HOUR + MINUTE)
    expect(third.doubt).toBeNull()
  })

  it('starts counting again if the clock jumps again', () => {
    const machine = machineClocks()
    const trusted = machine.start()
    machine.jump(60 * DAY)
    machine.run(trusted, 5 * HOUR)
    machine.jump(DAY)
    machine.run(trusted, 2 * HOUR)
    expect(trusted.doubt).not.toBeNull()
    machine.run(trusted, 4 * HOUR + MINUTE)
    expect(trusted.doubt).toBeNull()
  })

  it('trusts the clock of another machine, but not its own kernel under another name', () => {
    const machine = machineClocks()
    const trusted = machine.start()
    machine.jump(60 * DAY)
    trusted.compareWith({ nowMs: machine.clock.now(), bootId: machine.boot.bootId })
    trusted.compareWith({ nowMs: machine.clock.now() - 60 * DAY, bootId: 'controller' })
    expect(trusted.doubt).not.toBeNull()
    trusted.compareWith({ nowMs: machine.clock.now() + 4 * MINUTE, bootId: 'controller' })
    expect(trusted.doubt).toBeNull()
  })

  it('says that it differs from another machine, although nothing jumped', () => {
    const machine = machineClocks()
    const trusted = machine.start()
    trusted.compareWith({ nowMs: machine.clock.now() - 2 * DAY, bootId: 'controller' })
    expect(trusted.doubt).toBeNull()
    expect(trusted.problems.map(({ text }) => text)).toEqual([
      'The clock of this machine is 2 days ahead of the clock of another machine: check NTP on both',
    ])
  })

  it('is confirmed by an operator', () => {
    const machine = machineClocks()
    const trusted = machine.start()
    machine.jump(60 * DAY)
    trusted.confirm()
    expect(trusted.doubt).toBeNull()
    expect(machine.start().doubt).toBeNull()
  })

  it('is in doubt after the machine was off, until another machine agrees', () => {
    const machine = machineClocks()
    machine.start()
    machine.reboot(2 * DAY)
    const trusted = machine.start()
    expect(trusted.doubt?.trustedMs).toBe(MACHINE_START)
    expect(trusted.now()).toBe(MACHINE_START)
    trusted.compareWith({ nowMs: machine.clock.now(), bootId: 'controller' })
    expect(trusted.doubt).toBeNull()
  })

  it('is not in doubt after a quick restart of the machine', () => {
    const machine = machineClocks()
    machine.start()
    machine.reboot(3 * MINUTE)
    expect(machine.start().doubt).toBeNull()
  })

  it('a virtual machine that was paused is in doubt from the moment its clock is corrected', () => {
    const machine = machineClocks()
    const trusted = machine.start()
    machine.run(trusted, HOUR)
    machine.jump(5 * DAY)
    expect(trusted.doubt).toEqual({
      wallMs: MACHINE_START + HOUR + 5 * DAY,
      trustedMs: MACHINE_START + HOUR,
    })
    machine.run(trusted, 6 * HOUR + MINUTE)
    expect(trusted.doubt).toBeNull()
  })

  it('a machine without a battery clock starts in 1970 and is trusted when NTP set the expected time', () => {
    const machine = machineClocks()
    machine.start()
    machine.reboot(3 * MINUTE, 0)
    const trusted = machine.start()
    expect(trusted.now()).toBe(0)
    expect(trusted.doubt?.trustedMs).toBe(MACHINE_START)
    machine.run(trusted, MINUTE)
    machine.jump(MACHINE_START + 3 * MINUTE)
    trusted.tick()
    expect(trusted.doubt).toBeNull()
  })

  it.each([0, MACHINE_START])(
    'a machine without a battery clock that runs four hours a day is trusted on the second day (boots at %d)',
    (wallAtBoot) => {
      const machine = machineClocks()
      machine.start()
      let trusted = machine.start()
      const truth = { now: MACHINE_START }
      for (let day = 0; day < 2; day++) {
        machine.reboot(20 * HOUR, wallAtBoot)
        trusted = machine.start()
        machine.run(trusted, MINUTE)
        truth.now += DAY
        machine.jump(truth.now - machine.clock.now())
        machine.run(trusted, 4 * HOUR)
        trusted.flush()
        expect(trusted.doubt === null).toBe(day === 1)
      }
    },
  )

  it('an old sum of steady hours does not prove another clock after a boot', () => {
    const machine = machineClocks()
    machine.start()
    machine.reboot(2 * DAY)
    const trusted = machine.start()
    machine.run(trusted, 6 * HOUR - 10 * MINUTE)
    trusted.flush()
    machine.reboot(60 * DAY)
    const again = machine.start()
    machine.run(again, 59 * MINUTE)
    expect(again.doubt).not.toBeNull()
  })

  it('logs once that it cannot save, and continues', () => {
    const machine = machineClocks()
    machine.memory.save = () => {
      throw new Error('disk full')
    }
    const trusted = machine.start()
    machine.run(trusted, HOUR)
    expect(trusted.now()).toBe(machine.clock.now())
    expect(machine.log.lines).toEqual([
      'Cannot save the trusted time: disk full. A wrong clock at the next start may go unnoticed',
    ])
  })

  it('never ages by a time later than the trusted one while in doubt, whatever the clocks do', () => {
    const step = fc.record({
      jump: fc.integer({ min: -90 * DAY, max: 90 * DAY }),
      run: fc.integer({ min: 0, max: HOUR }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
        const machine = machineClocks()
        const trusted = machine.start()
        let truth = MACHINE_START
        for (const { jump, run } of steps.slice(0, 5)) {
          machine.jump(jump)
          machine.run(trusted, run)
          truth += run
          expect(trusted.now()).toBeLessThanOrEqual(truth + 5 * 5 * MINUTE)
        }
      }),
      { numRuns: 40 },
    )
  })

  it('is the same in a child that got the anchor', () => {
    const machine = machineClocks()
    const trusted = machine.start()
    const { anchor } = trusted
    machine.pass(HOUR)
    machine.jump(DAY)
    const inChild = readTime(anchor, { wallMs: machine.clock.now(), elapsedMs: machine.boot.elapsedMs() })
    expect(inChild).toEqual(trusted.read())
  })
})
