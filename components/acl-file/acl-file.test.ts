import { mkdtemp, rename, rm, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Identity } from '../../src/kinds/authorizer.ts'
import { UNKNOWN_PEER } from '../../src/kinds/peer.ts'
import { authorizerContract } from '../../test/contract/authorizer.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { AclFile } from './acl-file.ts'
import { aclFileConfig } from './config.ts'
import { aclFile } from './index.ts'

let folder: string
let file: string
const log = new RecordingLogger()
const opened: AclFile[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'acl-file-'))
  file = join(folder, 'acl')
})
afterEach(async () => {
  for (const each of opened.splice(0)) each.stop()
  await rm(folder, { recursive: true })
})

const open = async (text: string | Uint8Array, config: object = {}): Promise<AclFile> => {
  await writeFile(file, text)
  const acl = await AclFile.open(aclFileConfig.parse({ file, watchIntervalMs: 86_400_000, ...config }), log)
  opened.push(acl)
  return acl
}
const who = (clientId: string, userName?: string): Identity => ({ clientId, userName, peer: UNKNOWN_PEER })
/** `prs`: what a client may do on one topic: publish, receive, subscribe. */
const may = (acl: AclFile, identity: Identity, topic: string): string =>
  [
    acl.mayPublish(identity, topic, 0, false) === 'allow' ? 'p' : '',
    acl.mayReceive(identity, topic) === 'allow' ? 'r' : '',
    acl.maySubscribe(identity, topic, 0) === 'allow' ? 's' : '',
  ].join('')

authorizerContract('aclFile', () => open('user user\ntopic allowed/#\ntopic deny denied/#\n'))
authorizerContract('aclFile with patterns', () => open('pattern allowed/#\npattern x/%c/%u\n'))

describe('an ACL file', () => {
  it('denies everything when it is empty', async () => {
    const acl = await open('')
    for (const topic of ['a', '#', '$SYS/a']) expect(may(acl, who('c', 'ann'), topic)).toBe('')
  })

  it('allows read and write apart, and never a write to the topics of the server', async () => {
    const acl = await open('user ann\ntopic read r\ntopic write w\ntopic rw\ntopic readwrite $SYS/#\ntopic deny rw/x\n')
    const ann = who('c', 'ann')
    expect(['r', 'w', 'rw', 'rw/x', '$SYS/a', 'other'].map((topic) => may(acl, ann, topic))).toEqual([
      ...['rs', 'p', 'prs', '', 'rs', ''],
    ])
    expect(may(acl, who('c', 'bob'), 'rw')).toBe('')
    expect(may(acl, who('c'), 'rw')).toBe('')
  })

  it('grants a filter of which something may be read, and holds the rest back at delivery', async () => {
    const acl = await open('user ann\ntopic read a/#\ntopic deny a/secret\n')
    const granted = ['#', '+/#', 'a/+', 'a/secret', 'b/#', '$SYS/#', '+', 'a/x'].filter(
      (filter) => acl.maySubscribe(who('c', 'ann'), filter, 0) === 'allow',
    )
    expect(granted).toEqual(['#', '+/#', 'a/+', '+', 'a/x'])
    expect(may(acl, who('c', 'ann'), 'a/secret')).toBe('')
  })

  it('gives a name with a wildcard or a slash no pattern, and does not let it avoid a pattern that denies', async () => {
    const acl = await open('pattern d/%c/#\npattern u/%u\npattern deny u/%u/x\npattern open\n')
    expect(may(acl, who('c', 'ann'), 'd/c/x')).toBe('prs')
    expect(may(acl, who('c', 'ann'), 'u/ann')).toBe('prs')
    for (const name of ['+', '#', 'c/+', 'a#']) {
      for (const topic of ['d/c/x', `d/${name}/x`, 'u/ann', 'open']) expect(may(acl, who(name, name), topic)).toBe('')
      expect(acl.maySubscribe(who(name, name), 'd/#', 0)).toBe('deny')
    }
    expect(may(acl, who('c/d', 'ann'), 'd/c/d/x')).toBe('')
    // No user name: a pattern with %u is not about the client.
    expect(may(acl, who('c'), 'u/')).toBe('')
  })
})

describe('a file that changes', () => {
  it('is read again when it is looked at, with an event, and its answers are the new ones at once', async () => {
    const acl = await open('user ann\ntopic a\n')
    let changes = 0
    acl.onChange(() => {
      changes += 1
      expect(may(acl, who('c', 'ann'), 'a')).toBe('')
    })
    expect(may(acl, who('c', 'ann'), 'a')).toBe('prs')
    await writeFile(join(folder, 'new'), 'user ann\ntopic another/topic\n')
    await rename(join(folder, 'new'), file)
    await acl.look()
    expect(may(acl, who('c', 'ann'), 'a')).toBe('')
    expect(may(acl, who('c', 'ann'), 'another/topic')).toBe('prs')
    expect([changes, acl.counters]).toEqual([1, { reloads: 1, failedReloads: 0 }])
  })

  it.each([
    ['a line that cannot be read', () => writeFile(file, 'topic a\nnonsense\nuser\n'), 'line 2: '],
    ['no UTF-8', () => writeFile(file, Buffer.from([0xff, 0xfe])), 'is not UTF-8'],
    ['no file', () => unlink(file), 'ENOENT'],
    ['too many bytes', () => writeFile(file, 'x'.repeat(1_001)), '1000 bytes (maximumBytes)'],
  ])('keeps the rules in force when it has %s', async (_what, damage, expected) => {
    const acl = await open('user ann\ntopic a\n', { maximumBytes: 1_000 })
    let changes = 0
    acl.onChange(() => {
      changes += 1
    })
    await damage()
    await acl.look()
    expect(may(acl, who('c', 'ann'), 'a')).toBe('prs')
    expect([changes, acl.counters.failedReloads]).toEqual([0, 1])
    expect(log.lines.at(-1)).toMatchObject({ level: 'error', message: expect.stringContaining(expected) })
  })
})

describe('a file that cannot be read at the start', () => {
  it('refuses to start, with every bad line', async () => {
    await expect(open('topic a\nnonsense\nuser\n')).rejects.toThrow(
      /line 2: 'nonsense' is not topic, user or pattern\n {2}line 3: a user name is missing$/,
    )
    await expect(open(Buffer.from([0xff]))).rejects.toThrow('is not UTF-8')
    await expect(open('topic a\n', { maximumBytes: 3 })).rejects.toThrow('3 bytes (maximumBytes)')
    await unlink(file)
    await expect(AclFile.open(aclFileConfig.parse({ file }), log)).rejects.toThrow('ENOENT')
  })

  it('is described by its name', () => {
    expect(aclFile.describe?.(aclFileConfig.parse({ file: 'acl' }))).toBe('rules of acl')
  })
})
