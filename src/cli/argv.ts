/** Flags of the recorded system have one dash (`-addr :9002`); both ways are read. Single letters stay as they are. */
export function normaliseArgv(argv: readonly string[]): string[] {
  const end = argv.indexOf('--')
  const flags = end === -1 ? argv : argv.slice(0, end)
  return [...flags.flatMap(debugAsSwitch).map(withTwoDashes), ...argv.slice(flags.length)]
}

/** `-debug=true` and `-debug=false`, in each of the ways that the recorded system reads them. */
function debugAsSwitch(argument: string): string[] {
  const value = /^--?debug=(.*)$/.exec(argument)?.[1]
  if (value === undefined) return [argument]
  if (/^(1|t|T|true|TRUE|True)$/.test(value)) return ['--debug']
  return /^(0|f|F|false|FALSE|False)$/.test(value) ? [] : [argument]
}

function withTwoDashes(argument: string): string {
  return /^-[a-z][a-z-]+(=|$)/i.test(argument) ? `-${argument}` : argument
}

/** `-debug` stands in front of the command in the recorded system: it goes behind it. */
export function commandFirst(argv: readonly string[]): readonly string[] {
  const at = argv.findIndex((argument) => !/^--?debug(=|$)/.test(argument))
  const command = argv[at]
  return command === undefined ? argv : [command, ...argv.slice(0, at), ...argv.slice(at + 1)]
}
