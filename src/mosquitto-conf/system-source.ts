/** Writes the source of a system config. */

/** An entry of the config. */
export interface SourceEntry {
  readonly name: string
  /** The name of the component as its module exports it. */
  readonly component: string
  readonly config?: Readonly<Record<string, unknown>>
  readonly startDeadlineMs?: number
  readonly dependencies?: Readonly<Record<string, unknown>>
  readonly comment?: string
}

/** The folders of the components. */
const FOLDERS: Readonly<Record<string, string>> = {
  ...{
    aclFile: 'acl-file',
    bridge: 'bridge',
    broker: 'broker',
    clientCertificate: 'client-certificate',
    logger: 'logger',
  },
  ...{ lmdbStore: 'store-lmdb', memoryStore: 'store-memory', mqttDecoder: 'mqtt-decoder', mqttEncoder: 'mqtt-encoder' },
  ...{ mqttHandler: 'mqtt-handler', passwordFile: 'password-file', router: 'router', server: 'server', tcp: 'tcp' },
  ...{ sysTopics: 'sys-topics', tls: 'tls', unixSocket: 'unix-socket', webSocket: 'web-socket' },
}

const WIDTH = 120

/** @param title the first line of the comment at the top. @param remarks what was not taken over. */
export const systemSource = (title: string, remarks: readonly string[], entries: readonly SourceEntry[]): string => {
  const components = [...new Set(entries.map(({ component }) => component))].sort(
    (a, b) => Number(FOLDERS[a]! > FOLDERS[b]!) - Number(FOLDERS[a]! < FOLDERS[b]!),
  )
  const none = remarks.length === 0
  const left = none ? ['Every line was taken over.'] : ['These lines were not taken over, or not as written:', '']
  return [
    ...[title, ...left, ...remarks].map((line) => comment(line, '')),
    '',
    `import { defineSystem } from 'mqtt-jig'`,
    ...components.map((name) => `import { ${name} } from 'mqtt-jig/components/${FOLDERS[name]}'`),
    '',
    'export default defineSystem({',
    ...entries.map((entry) => entrySource(entry)),
    '})',
    '',
  ].join('\n')
}

const entrySource = (entry: SourceEntry): string => {
  const { name, component, config = {}, startDeadlineMs, dependencies, comment: remark } = entry
  const fields = [`component: ${component}`]
  if (Object.keys(config).length > 0) fields.push(`config: ${literal(config, '    ')}`)
  if (startDeadlineMs !== undefined) fields.push(`startDeadlineMs: ${startDeadlineMs}`)
  if (dependencies !== undefined) fields.push(`dependencies: ${literal(dependencies, '    ')}`)
  const key = /^[A-Za-z_]\w*$/.test(name) ? name : quoted(name)
  const inOneLine = `  ${key}: { ${fields.join(', ')} },`
  const isShort = inOneLine.length <= WIDTH && !inOneLine.includes('\n')
  const lines = isShort ? [inOneLine] : [`  ${key}: {`, ...fields.map((field) => `    ${field},`), '  },']
  return [...(remark === undefined ? [] : [comment(remark, '  ')]), ...lines].join('\n')
}

/** Plain data as source. */
const literal = (value: unknown, indent: string): string => {
  if (typeof value === 'string') return quoted(value)
  if (Array.isArray(value)) return listLiteral(value, indent)
  if (typeof value !== 'object' || value === null) return String(value)
  const inner = `${indent}  `
  const fields = Object.entries(value).map(([key, each]) => `${key}: ${literal(each, inner)}`)
  const inOneLine = `{ ${fields.join(', ')} }`
  if (inOneLine.length + indent.length < WIDTH - 20 && !inOneLine.includes('\n')) return inOneLine
  return ['{', ...fields.map((field) => `${inner}${field},`), `${indent}}`].join('\n')
}

/** In one line if it fits, otherwise an element in each line. */
const listLiteral = (values: readonly unknown[], indent: string): string => {
  const inOneLine = `[${values.map((each) => literal(each, indent)).join(', ')}]`
  if (inOneLine.length + indent.length < WIDTH - 20 && !inOneLine.includes('\n')) return inOneLine
  const inner = `${indent}  `
  return ['[', ...values.map((each) => `${inner}${literal(each, inner)},`), `${indent}]`].join('\n')
}

const quoted = (text: string): string => {
  const escaped = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")
  return `'${escaped.replace(/[\u2028\u2029]/g, (each) => `\\u${each.charCodeAt(0).toString(16)}`)}'`
}

/** A comment of one or more lines. */
const comment = (text: string, indent: string): string => {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && indent.length + 3 + line.length + 1 + word.length > WIDTH) {
      lines.push(line)
      line = `  ${word}`
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line].map((each) => `${indent}// ${each}`.trimEnd()).join('\n')
}
