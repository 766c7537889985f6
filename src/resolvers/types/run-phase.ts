import { Field, ObjectType } from 'type-graphql'
import { BigIntScalar, DateTime } from '../scalars.ts'
import { SIMPLE } from '../simple.ts'

@ObjectType({ ...SIMPLE, description: 'A part of a run.' })
export class RunPhase {
  @Field(() => String, {
    description:
      'What it did: `queue` (it waited for its turn), `start` (it took locks and opened volume and store), `pack`, `publish`, …',
  })
  name!: string

  @Field(() => DateTime, { description: 'When it began.' })
  start!: string

  @Field(() => DateTime, {
    nullable: true,
    description: 'When it ended; null until then, or if nobody knows, because the daemon was killed.',
  })
  end!: string | null

  @Field(() => BigIntScalar, {
    description: 'Bytes that were done in it, of file content in most phases; 0 if it handles none.',
  })
  bytes!: number
}
