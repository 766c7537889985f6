import { Option } from 'commander'
import type { AccessOptions } from '../controller/callers.ts'

export interface AccessFlags {
  anonymous?: AccessOptions['anonymous']
  insecureHttp: boolean
}

export const ANONYMOUS = new Option(
  '--anonymous <role>',
  'what callers without a token may do (default: none, or admin if the data is from before tokens)',
).choices(['none', 'viewer', 'admin'])

export const INSECURE_HTTP = new Option(
  '--insecure-http',
  'accept tokens over plain HTTP from other machines, where others may read them',
).default(false)
