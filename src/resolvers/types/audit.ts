import { Field, ID, InputType, ObjectType } from 'type-graphql'
import { DateTime, JsonScalar } from '../scalars.ts'
import { SIMPLE } from '../simple.ts'

@ObjectType({
  ...SIMPLE,
  description:
    'What somebody asked for. Each request has two entries: one before it is done, and one after it with the outcome.',
})
export class AuditEntry {
  @Field(() => ID, { description: 'A number that counts up without gaps.' })
  id!: number

  // Not a DateTime: one that somebody changed must be readable, too.
  @Field(() => String, { description: 'When it was written, ISO 8601 in UTC.' })
  at!: string

  @Field(() => String, { description: 'Who asked: the way, the address, and the token.' })
  who!: string

  @Field(() => String, { description: 'What was asked for: the name of the mutation.' })
  verb!: string

  @Field(() => JsonScalar, { description: 'On what; empty in the second entry.' })
  facts!: Record<string, unknown>

  @Field(() => String, { description: '`begun` in the first entry; in the second `done`, or why not.' })
  outcome!: string

  @Field(() => ID, { nullable: true, description: 'The id of the first entry, in the second one.' })
  begin!: number | null

  @Field(() => String, {
    nullable: true,
    description: 'Chains it to the entry before; null in entries of versions without a chain.',
  })
  hash!: string | null
}

@InputType({ description: 'Selects entries that match every given field.' })
export class AuditFilter {
  @Field(() => String, { nullable: true, description: 'The name of a mutation, such as `recover`.' })
  verb?: string

  @Field(() => DateTime, { nullable: true, description: 'At or after this time.' })
  from?: Date

  @Field(() => DateTime, { nullable: true, description: 'Before this time.' })
  to?: Date
}
