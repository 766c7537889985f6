import { Field, Int, ObjectType } from 'type-graphql'
import { ControllerHealthState, ServerHealthState, VolumeHealthState } from '../enums/health-enums.ts'
import { DateTime } from '../scalars.ts'
import { SIMPLE } from '../simple.ts'

@ObjectType({ ...SIMPLE, description: 'How the backups of a volume, or of one job, are.' })
export class VolumeHealth {
  @Field(() => VolumeHealthState, { description: 'The worst of `states`.' })
  state!: VolumeHealthState

  @Field(() => [VolumeHealthState], {
    description:
      'All that hold, worst first. Each job is judged alone, so that good increments do not hide a full backup that fails.',
  })
  states!: VolumeHealthState[]

  @Field(() => String, { description: 'Why `state` holds: times, counts and errors in a plain sentence.' })
  because!: string

  @Field(() => DateTime, { description: 'Since when `state` holds.' })
  since!: string
}

@ObjectType({ ...SIMPLE, description: 'How a server is.' })
export class ServerHealth {
  @Field(() => ServerHealthState, { description: 'The worst of `states`.' })
  state!: ServerHealthState

  @Field(() => [ServerHealthState], { description: 'All that hold, worst first.' })
  states!: ServerHealthState[]

  @Field(() => [String], { description: 'Why they hold, one sentence each, worst first.' })
  because!: string[]
}

@ObjectType({ ...SIMPLE, description: 'How the controller itself is.' })
export class ControllerHealth {
  @Field(() => ControllerHealthState, { description: 'The worst of `states`.' })
  state!: ControllerHealthState

  @Field(() => [ControllerHealthState], { description: 'All that hold, worst first.' })
  states!: ControllerHealthState[]

  @Field(() => [String], { description: 'Why they hold, one sentence each, worst first.' })
  because!: string[]
}

@ObjectType({ ...SIMPLE, description: 'How many volumes are in a state.' })
export class VolumeCount {
  @Field(() => VolumeHealthState, { description: 'The worst state of each of them.' })
  state!: VolumeHealthState

  @Field(() => Int, { description: 'Number of volumes.' })
  volumes!: number
}

@ObjectType({ ...SIMPLE, description: 'How many servers are in a state.' })
export class ServerCount {
  @Field(() => ServerHealthState, { description: 'The worst state of each of them.' })
  state!: ServerHealthState

  @Field(() => Int, { description: 'Number of servers.' })
  servers!: number
}

@ObjectType({ ...SIMPLE, description: 'Whether everything is backed up as it should be.' })
export class Health {
  @Field(() => String, {
    description: 'The answer in words: that all is well, or the worst things first.',
  })
  summary!: string

  @Field(() => VolumeHealthState, { description: 'The state of the worst volume; OK if there is none.' })
  state!: VolumeHealthState

  @Field(() => Int, { description: 'Number of volumes in the inventory.' })
  volumes!: number

  @Field(() => [VolumeCount], {
    description: 'Volumes by their worst state, worst first; all states are listed.',
  })
  counts!: VolumeCount[]

  @Field(() => [ServerCount], {
    description: 'Servers by their worst state, worst first; only states that hold.',
  })
  servers!: ServerCount[]

  @Field(() => ControllerHealth, { description: 'How the controller itself is.' })
  controller!: ControllerHealth
}

@ObjectType({ ...SIMPLE, description: 'The backups of a volume on one day.' })
export class VolumeDay {
  @Field(() => String, { description: 'The day: `2026-01-31`.' })
  date!: string

  @Field(() => Int, { description: 'Runs that made a complete backup which is not suspect.' })
  good!: number

  @Field(() => Int, { description: 'Runs whose backup is incomplete or suspect.' })
  partial!: number

  @Field(() => Int, { description: 'Runs without a backup: failed, cancelled or lost.' })
  failed!: number

  @Field(() => Int, {
    nullable: true,
    description: 'Planned times at which nothing ran; null if there are too many planned times to count.',
  })
  missed!: number | null

  @Field(() => Int, {
    nullable: true,
    description:
      'Planned times that have passed, by the schedules as they were then. What was paused is not counted.',
  })
  expected!: number | null
}
