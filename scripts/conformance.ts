/** `npm run conformance`: writes docs/conformance.md, which says which test proves which statement of the specification. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { notTested, reasons } from '../test/conformance/not-tested.ts'
import { statements } from '../test/conformance/statements.ts'
import { type NamedTest, readTests } from './conformance/read-tests.ts'

const root = resolve(import.meta.dirname, '..')
const folder = join(root, 'test/conformance')
const page = join(root, 'docs/conformance.md')
/** The text after this mark is written by hand and kept. */
const BY_HAND = '<!-- What follows is not generated. -->'

/** Writes the page. Resolves with the exit code: 1 if tests and lists are inconsistent. */
export const main = async (): Promise<number> => {
  writeFileSync(page, conformancePage())
  const problems = conformanceProblems()
  for (const problem of problems) console.error(problem)
  console.log(`docs/conformance.md: ${summary(readTests(folder))}`)
  return problems.length === 0 ? 0 : 1
}

/** The current page: the generated part and the part written by hand. */
export const conformancePage = (): string => {
  const before = existsSync(page) ? readFileSync(page, 'utf8') : ''
  const byHand = before.includes(BY_HAND) ? before.slice(before.indexOf(BY_HAND)) : `${BY_HAND}\n`
  return `${generated(readTests(folder))}\n${byHand}`
}

/** The inconsistencies, one for each line. */
export const conformanceProblems = (): readonly string[] => {
  const tests = readTests(folder)
  const tested = new Set(tests.flatMap(({ ids }) => ids))
  const unknown = tests.flatMap(({ file, title, ids }) =>
    ids
      .filter((id) => !isClauseOf311(id) && !(id in statements))
      .map((id) => `${file}: '${title}' names ${id}, which there is not`),
  )
  const listed = Object.keys(notTested)
  return [
    ...unknown,
    ...listed.filter((id) => !(id in statements)).map((id) => `not-tested.ts lists ${id}, which there is not`),
    ...listed.filter((id) => tested.has(id)).map((id) => `${id} is tested, and listed in not-tested.ts`),
    ...Object.keys(statements)
      .filter((id) => !tested.has(id) && !(id in notTested))
      .map((id) => `${id} is neither tested nor listed in not-tested.ts`),
  ]
}

const isClauseOf311 = (id: string): boolean => /^3\.1\.1 MQTT-\d+(\.\d+)+-\d+$/.test(id)

const generated = (tests: readonly NamedTest[]): string => `# Conformance

Written by \`npm run conformance\` from the titles of the tests in [test/conformance](../test/conformance), which run with
\`npm run test:all\`. A test fails if this page is stale. Each row is a normative statement of MQTT 5.0 with its id and a short summary.
The text of the specification is authoritative.

${summary(tests)}

${Object.entries(reasons)
  .map(
    ([name, reason]) =>
      `- *${name}*: ${count(Object.values(notTested).filter((each) => each === name).length, 'statement')}; ${reason}.`,
  )
  .join('\n')}
${sections(tests)}
## MQTT 3.1.1

Rules that differ from 5.0, by the clauses of MQTT 3.1.1. The same tests cover MQTT 3.1 where it has the rule.

| clause | tests |
|---|---|
${clausesOf311(tests)}
`

const summary = (tests: readonly NamedTest[]): string => {
  const tested = new Set(tests.flatMap(({ ids }) => ids))
  const ids = Object.keys(statements)
  const proven = ids.filter((id) => tested.has(id)).length
  const clauses = [...tested].filter(isClauseOf311).length
  return `Of the ${ids.length} statements ${proven} are tested and ${ids.length - proven} are not. ${clauses} clauses of MQTT 3.1.1 are tested as well.`
}

/** A table for each section of the specification: `3.1.2` and all it has are under `3.1`. */
const sections = (tests: readonly NamedTest[]): string => {
  const bySection = new Map<string, string[]>()
  for (const [id, text] of Object.entries(statements)) {
    const [, section] = id.match(/^MQTT-(\d+\.\d+)/) ?? []
    const rows = bySection.get(section!) ?? []
    rows.push(`| ${id} | ${text} | ${proofs(id, tests) || `not tested: *${notTested[id] ?? ''}*`} |`)
    bySection.set(section!, rows)
  }
  return [...bySection]
    .map(
      ([section, rows]) =>
        `\n## ${section} ${SECTIONS[section] ?? ''}\n\n| statement | what | tests |\n|---|---|---|\n${rows.join('\n')}\n`,
    )
    .join('')
}

const clausesOf311 = (tests: readonly NamedTest[]): string => {
  const ids = [...new Set(tests.flatMap((test) => test.ids.filter(isClauseOf311)))]
  return ids
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .map((id) => `| ${id.slice('3.1.1 '.length)} | ${proofs(id, tests)} |`)
    .join('\n')
}

/** The tests that name an id, file by file. */
const proofs = (id: string, tests: readonly NamedTest[]): string => {
  const byFile = new Map<string, Set<string>>()
  for (const { file, title } of tests.filter(({ ids }) => ids.includes(id))) {
    byFile.set(file, (byFile.get(file) ?? new Set()).add(title))
  }
  return [...byFile]
    .map(
      ([file, titles]) =>
        `[${file.replace('.test.ts', '')}](../test/conformance/${file}): ${escaped([...titles].join('; '))}`,
    )
    .join('<br>')
}

const escaped = (text: string): string => text.replaceAll(/[|*_#$<]/g, (character) => `\\${character}`)

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`

const SECTIONS: Readonly<Record<string, string>> = {
  '1.5': 'Data representation',
  '2.1': 'Structure of a packet',
  '2.2': 'Variable header',
  '3.1': 'CONNECT',
  '3.2': 'CONNACK',
  '3.3': 'PUBLISH',
  '3.4': 'PUBACK',
  '3.5': 'PUBREC',
  '3.6': 'PUBREL',
  '3.7': 'PUBCOMP',
  '3.8': 'SUBSCRIBE',
  '3.9': 'SUBACK',
  '3.10': 'UNSUBSCRIBE',
  '3.11': 'UNSUBACK',
  '3.12': 'PINGREQ',
  '3.14': 'DISCONNECT',
  '3.15': 'AUTH',
  '4.1': 'Session state',
  '4.2': 'Network connections',
  '4.3': 'Quality of Service',
  '4.4': 'Message delivery retry',
  '4.5': 'Message receipt',
  '4.6': 'Message ordering',
  '4.7': 'Topic Names and Topic Filters',
  '4.8': 'Subscriptions',
  '4.9': 'Flow control',
  '4.12': 'Enhanced authentication',
  '4.13': 'Handling errors',
  '6.0': 'WebSocket',
}
