/** Accepts the flags of the legacy system with one dash (`-addr :9002`) too. Single letters stay unchanged. */
export function normaliseArgv(argv: readonly string[]): string[] {
  const end = argv.indexOf('--')
  const flags = end === -1 ? argv : argv.slice(0, end)
  return [...flags.flatMap(debugAsSwitch).map(withTwoDashes), ...argv.slice(flags.length)]
}

/** Accepts `-debug=true` and `-debug=false` in all spellings of the legacy system. */
function debugAsSwitch(argument: string): string[] {
  const value = /^--?debug=(.*)$/.exec(argument)?.[1]
  if (value === undefined) return [argument]
  if (/^(1|t|T|true|TRUE|True)$/.test(value)) return ['--debug']
  return /^(0|f|F|false|FALSE|False)$/.test(value) ? [] : [argument]
}

function withTwoDashes(argument: string): string {
  return /^-[a-z][a-z-]+(=|$)/i.test(argument) ? `-${argument}` : argument
}

/** Moves `-debug`, which the legacy system has before the command, behind it. */
export function commandFirst(argv: readonly string[]): readonly string[] {
  const at = argv.findIndex((argument) => !/^--?debug(=|$)/.test(argument))
  const command = argv[at]
  return command === undefined ? argv : [command, ...argv.slice(0, at), ...argv.slice(at + 1)]
}
