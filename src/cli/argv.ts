/** Flags of the recorded system have one dash (`-addr :9002`); both ways are read. Single letters stay as they are. */
export function normaliseArgv(argv: readonly string[]): string[] {
  const end = argv.indexOf('--')
  const flags = end === -1 ? argv : argv.slice(0, end)
  return [...flags.map(withTwoDashes), ...argv.slice(flags.length)]
}

function withTwoDashes(argument: string): string {
  return /^-[a-z][a-z-]+(=|$)/i.test(argument) ? `-${argument}` : argument
}

/** `-debug` stands in front of the command in the recorded system: it goes behind it. */
export function commandFirst(argv: readonly string[]): readonly string[] {
  const at = argv.findIndex((argument) => !/^--?debug$/.test(argument))
  const command = argv[at]
  return command === undefined ? argv : [command, ...argv.slice(0, at), ...argv.slice(at + 1)]
}
