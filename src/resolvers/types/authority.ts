import { Field, ID, ObjectType } from 'type-graphql'
import { AuthorityState } from '../enums/health-enums.ts'
import { DateTime } from '../scalars.ts'
import { SIMPLE } from '../simple.ts'

@ObjectType({ ...SIMPLE, description: 'An authority that certifies daemons, and this controller for them.' })
export class DaemonAuthority {
  @Field(() => ID, { description: 'SHA-256 of its certificate, as hex.' })
  fingerprint!: string

  @Field(() => AuthorityState, { description: 'What it is for.' })
  state!: AuthorityState

  @Field(() => DateTime, { nullable: true, description: 'When it was made; null if it is retired.' })
  createdAt!: string | null

  @Field(() => DateTime, { nullable: true, description: 'When it expires; null if it is retired.' })
  expiresAt!: string | null

  @Field(() => [ID], { description: 'Servers whose enrolled daemon trusts it.' })
  trustedBy!: readonly string[]

  @Field(() => [ID], {
    description:
      'Servers whose enrolled daemon does not trust it, as far as the controller knows. Empty if it is retired.',
  })
  lacking!: readonly string[]
}
