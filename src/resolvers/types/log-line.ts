import { Field, Int, ObjectType } from 'type-graphql'
import { LogLevel } from '../enums/record-enums.ts'
import { DateTime } from '../scalars.ts'
import { SIMPLE } from '../simple.ts'

@ObjectType({ ...SIMPLE, description: 'A line of the log of a run.' })
export class LogLine {
  @Field(() => Int, { description: 'Its number, from 1. A gap is that of lines that were not kept.' })
  number!: number

  @Field(() => DateTime, { description: 'When it was written.' })
  at!: string

  @Field(() => LogLevel, { description: 'How serious it is.' })
  level!: LogLevel

  @Field(() => String, { description: 'At most 1000 characters, without control characters.' })
  text!: string
}
