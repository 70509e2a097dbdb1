/** `npm run bench`: measures this broker beside others on the same machine. docs/benchmarks.md explains the numbers. */

import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { BenchCase } from './bench-case.ts'
import type { Broker } from './brokers/broker.ts'
import { ownBroker, revisionBroker } from './brokers/checkout.ts'
import { findMosquitto } from './brokers/mosquitto.ts'
import { lackOfRelay, nodePeer } from './brokers/node-peer.ts'
import { unwatchedSettings, watchedBroker } from './brokers/watched.ts'
import { type Bundle, bundlePrograms } from './bundle.ts'
import { benchCases, chooseCases } from './cases.ts'
import { type BenchOptions, type PeerName, parseBenchCommand, peerNames } from './command-line.ts'
import { describeMachine, describeRevision } from './machine.ts'
import { exitCodes, runCommand, runMeasurement } from './measurement.ts'
import { progressBar } from './progress.ts'
import { formatCase, formatCheck } from './report.ts'
import { type CaseResult, isFaulty, mediansOf } from './results.ts'
import { runCase, type Subject, subjectsOf } from './run-case.ts'
import { runJob } from './run-job.ts'

const root = resolve(import.meta.dirname, '..')

/** Traced with `--watched`: one of the publishers. */
const tracedClient = 'bench-publisher-0'

/** How long a check of delivery loads the broker, in milliseconds. */
const checkMs = 300

/** Runs the command line; resolves with the exit code. */
export const main = (args: readonly string[]): Promise<number> => runCommand(parseBenchCommand(args), runBench)

const runBench = async (options: BenchOptions): Promise<number> => {
  const all = benchCases(options)
  const { chosen, unknown } = chooseCases(all, options.cases)
  if (unknown.length > 0) {
    console.error(`There is no case ${unknown.map((name) => `'${name}'`).join(', ')}; --list prints them.`)
    return exitCodes.usage
  }
  if (options.action === 'list') {
    console.log(formatList(options.cases.length > 0 ? chosen : all))
    return exitCodes.ok
  }
  return runMeasurement(() => bench(options.action === 'check' ? chosen.flatMap(toCheck) : chosen, options))
}

const formatList = (cases: readonly BenchCase[]): string => {
  const width = Math.max(...cases.map(({ name }) => name.length))
  return cases
    .map(({ name, summary, onRequest }) => `${name.padEnd(width)}  ${summary}${onRequest ? ' (on request)' : ''}`)
    .join('\n')
}

/** The short form of a case that `--check` runs. */
const toCheck = (benchCase: BenchCase): BenchCase[] => {
  const { check, baseline: _, ...rest } = benchCase
  return check === undefined ? [] : [{ ...rest, plan: check, seconds: checkMs / 1000 }]
}

const bench = async (cases: readonly BenchCase[], options: BenchOptions): Promise<number> => {
  if (cases.length === 0) throw new Error('None of these cases can be run like this.')
  const isCheck = options.action === 'check'
  const programs = await bundlePrograms()
  const own = ownBroker(root, options.watched ? [...unwatchedSettings, ...options.settings] : options.settings)
  const brokers = [own]
  if (options.watched) brokers.push(watchedBroker(root, options.settings, tracedClient))
  if (options.compare !== undefined) brokers.push(revisionBroker(root, options.compare, options.settings))
  const peers = findPeers(options.peers, programs)
  const say = options.json === '-' ? console.error : console.log
  const bar = progressBar(process.stderr)
  const rounds = isCheck ? 1 : options.rounds
  const plans = cases.map((benchCase) => ({ benchCase, subjects: subjectsOf(benchCase, brokers, peers) }))
  const runnable = ({ lacks }: Subject) => lacks === undefined
  const total = plans.reduce((sum, { subjects }) => sum + subjects.filter(runnable).length * rounds, 0)
  let begun = 0
  const results: CaseResult[] = []
  for (const { benchCase, subjects } of plans) {
    const measureMs = (options.seconds ?? benchCase.seconds ?? 3) * 1000
    const warmUpMs = isCheck ? 0 : (options.warmUpSeconds ?? benchCase.warmUpSeconds ?? 1) * 1000
    const common = { measureMs, warmUpMs, generator: programs.generator }
    const result = await runCase({
      ...common,
      benchCase,
      subjects,
      rounds,
      onProgress: ({ name }, round, { phase, part }) => {
        if (phase === 'starting') begun += 1
        const text = `${benchCase.name}, ${name}, round ${round + 1}: ${phase}`
        bar.show({ done: begun - 1, total, part: phase === 'measuring' ? part : 0, text })
      },
    })
    results.push(result)
    bar.clear()
    say(isCheck ? formatCheck(result) : formatCase(benchCase, result))
    if (options.profile) say(await profile(benchCase, own, common))
  }
  writeResults(options, results)
  return exitCodeFor(results, isCheck)
}

/** @throws Error if a requested broker is not installed. Prints a note if another one is missing. */
const findPeers = (wanted: readonly PeerName[] | undefined, programs: Bundle): Broker[] =>
  (wanted ?? peerNames).flatMap((name) => {
    const found = findPeer(name, programs)
    if (found !== undefined) return [found]
    const text = `${name} is not installed.`
    if (wanted !== undefined) throw new Error(text)
    console.error(`${text} It is left out.`)
    return []
  })

const findPeer = (name: PeerName, { aedes, relay }: Bundle): Broker | undefined => {
  switch (name) {
    case 'mosquitto':
      return findMosquitto()
    case 'aedes':
      return nodePeer('aedes', `Aedes ${installedVersion('aedes')}`, aedes, () => undefined)
    case 'relay':
      return nodePeer('relay', 'bare relay in Node', relay, lackOfRelay)
    case 'net-server':
      return nodePeer('net-server', 'a plain server of node:net or node:tls', relay, lackOfRelay, {
        args: ['--plain'],
        hasTls: true,
      })
  }
}

const installedVersion = (name: string): string =>
  (JSON.parse(readFileSync(resolve(root, 'node_modules', name, 'package.json'), 'utf8')) as { version: string }).version

/** One more run, which is not counted, since a profile costs time. @returns the note about it. */
const profile = async (
  benchCase: BenchCase,
  broker: Broker,
  common: { readonly measureMs: number; readonly warmUpMs: number; readonly generator: string },
): Promise<string> => {
  const profileFile = resolve(`mqtt-jig-${benchCase.name}.cpuprofile`)
  const { plan, settings = [], transport = 'tcp', store = 'memory' } = benchCase
  const outcome = await runJob({ ...common, broker, plan, settings, transport, store, profileFile })
  return outcome.status === 'measured' ? `profile: ${profileFile}\n` : `no profile: ${outcome.reason}\n`
}

const writeResults = ({ json, rounds }: BenchOptions, results: readonly CaseResult[]): void => {
  if (json === undefined) return
  const cases = results.map((result) => ({
    ...result,
    subjects: result.subjects.map((subject) => ({ ...subject, medians: mediansOf(subject) })),
  }))
  const revision = describeRevision(root)
  const text = `${JSON.stringify({ machine: describeMachine(), revision, rounds, cases }, null, 2)}\n`
  if (json === '-') process.stdout.write(text)
  else writeFileSync(json, text)
}

const exitCodeFor = (results: readonly CaseResult[], isCheck: boolean): number => {
  const judged = results.flatMap(({ subjects }) => subjects).filter(({ isOwn }) => isOwn || isCheck)
  return judged.some((subject) => isFaulty(subject, isCheck)) ? exitCodes.failed : exitCodes.ok
}
