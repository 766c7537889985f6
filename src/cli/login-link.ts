import { resolve } from 'node:path'
import { Command } from 'commander'
import { createLoginCode, printLoginLink } from '../controller/login-link.ts'
import { systemClock } from '../lib/clock.ts'
import { BackupdError } from '../lib/errors.ts'
import { print } from './print.ts'
import { dataFlag } from './shared-flags.ts'

export function loginLinkCommand(): Command {
  return new Command('login-link')
    .description(
      'Prints a link that signs a browser in as an admin, once and within 10 minutes. Run it on the machine of the controller.',
    )
    .addOption(dataFlag('the directory of its catalog', '/var/lib/backupd'))
    .option('--url <url>', 'where the browser reaches the controller', 'http://127.0.0.1:9002')
    .action(printLink)
}

async function printLink({ data, url }: { data: string; url: string }): Promise<void> {
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? ''))
    throw new BackupdError('BAD_INPUT', `--url is ${JSON.stringify(url)}: write it as https://backup.example`)
  print(`${printLoginLink(url, await createLoginCode(resolve(data), systemClock.now()))}\n`)
}
