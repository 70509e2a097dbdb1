import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import type { Publisher } from './publisher.ts'
import { readRetained } from './read-retained.ts'
import type { Subscriber } from './subscriber.ts'

/** How long nothing may come at the end before what is missing counts as lost, in milliseconds. */
const PATIENCE_MS = 60_000
const POLL_MS = 20

export interface Clients {
  readonly publishers: readonly Publisher[]
  readonly subscribers: readonly Subscriber[]
  /** Promises that were broken. What is found is added. */
  readonly broken: string[]
}

/** Waits until everything that was published has come to these subscribers, and adds what does not. */
export const settle = async (
  { publishers, subscribers, broken }: Clients,
  { pollMs = POLL_MS, patienceMs = PATIENCE_MS } = {},
): Promise<void> => {
  const isComplete = () =>
    publishers.every((publisher) => publisher.isFinished) &&
    subscribers.every((subscriber) => publishers.every(({ topic, published }) => subscriber.has(topic, published)))
  let progress = -1
  let sinceMs = performance.now()
  while (broken.length === 0 && !isComplete()) {
    const now = acknowledgedBy(publishers) + receivedBy(subscribers)
    if (now !== progress) sinceMs = performance.now()
    progress = now
    if (performance.now() - sinceMs > patienceMs) break
    await after(pollMs)
  }
  for (const { isFinished, clientId } of publishers) {
    if (!isFinished && broken.length === 0) broken.push(`${clientId} waits for acknowledgements`)
  }
  for (const subscriber of subscribers) {
    for (const { topic, published } of publishers) {
      if (!subscriber.has(topic, published)) broken.push(subscriber.describeMissing(topic, published))
    }
  }
}

/** Adds the retained messages that are not the last ones. */
export const checkRetained = async (port: number, { publishers, broken }: Clients): Promise<void> => {
  for (const { topic, published, retain } of publishers) {
    if (!retain || published === 0) continue
    const found = await readRetained(port, topic, PATIENCE_MS)
    if (found !== `${published}`) broken.push(`the retained message of ${topic} is ${found}, not ${published}`)
  }
}

/** Runs `store check`. @returns what it said; undefined when the store has no files. */
export const checkStore = (root: string, directory: string, broken: string[]): string | undefined => {
  if (readdirSync(directory).length === 0) return undefined
  const program = resolve(root, 'bin/mqtt-jig.mjs')
  const args = [program, 'store', 'check', '--path', join(directory, 'data')]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: directory, encoding: 'utf8' })
  const said = `${stdout}${stderr}`.trim()
  if (status !== 0) broken.push(`store check failed: ${said}`)
  return said
}

export const acknowledgedBy = (publishers: readonly Publisher[]): number =>
  publishers.reduce((total, { acknowledged }) => total + acknowledged, 0)

export const receivedBy = (subscribers: readonly Subscriber[]): number =>
  subscribers.reduce((total, { messages }) => total + messages, 0)
