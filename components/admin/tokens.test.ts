import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { admin } from './index.ts'
import { Tokens } from './tokens.ts'

let folder: string
let log: RecordingLogger
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tokens-'))
  log = new RecordingLogger()
})
afterEach(() => rmSync(folder, { recursive: true }))

const file = (name = 'admin-token') => join(folder, name)
const open = (config: object = {}) => Tokens.open(admin.config.parse({ tokenFile: file(), ...config }), log)

describe('the token file', () => {
  it('is made at the first start, for its owner alone, and kept at the next', async () => {
    const tokens = await open()
    const token = readFileSync(file(), 'utf8').trim()
    expect(statSync(file()).mode & 0o777).toBe(0o600)
    expect(token).toHaveLength(32)
    expect(log.at('info')).toMatchObject([{ file: file() }])
    expect(log.lines.map(({ message }) => message).join()).not.toContain(token)
    for (const each of [tokens, await open()])
      expect(each.find(token)).toMatchObject({ name: 'admin', readOnly: false })
    expect(readFileSync(file(), 'utf8').trim()).toBe(token)
  })

  it('that other users can read is warned of', async () => {
    writeFileSync(file(), 'a-token-of-20-letters\n')
    chmodSync(file(), 0o644)
    await open()
    expect(log.at('warn')).toMatchObject([{ message: expect.stringContaining(`chmod 600 ${file()}`) }])
  })

  it.each(['', 'short', ' \n ', 'a token of more than 16', 'ümläüte-in-the-token'])(
    'with %j is refused, and the error says how to make one',
    async (content) => {
      writeFileSync(file(), content)
      await expect(open()).rejects.toThrow(/at least 16 visible characters .*\. Make one: openssl rand/)
    },
  )

  it('that cannot be made is refused, and the error names the solutions', async () => {
    await expect(open({ tokenFile: join(folder, 'missing', 'token') })).rejects.toThrow(
      /Set tokenFile to a path that can be written, or set tokens/,
    )
  })

  it('is read again by a refresh; one that is wrong leaves the token before in force', async () => {
    const tokens = await open()
    expect(await tokens.refresh()).toBeUndefined()
    const before = readFileSync(file(), 'utf8').trim()
    writeFileSync(file(), 'x')
    await expect(tokens.refresh()).rejects.toThrow('at least 16 visible characters')
    expect(tokens.find(before)).toBeDefined()
    writeFileSync(file(), 'another-token-of-the-file')
    expect(await tokens.refresh()).toBe('tokens changed: admin')
    expect([tokens.find(before), tokens.find('another-token-of-the-file')]).toMatchObject([
      undefined,
      { name: 'admin' },
    ])
  })
})

describe('tokens of the config', () => {
  it('have names, and may only read if told so', async () => {
    writeFileSync(file('ops'), 'the-token-of-the-operators')
    const tokens = await open({
      tokenFile: null,
      tokens: [
        { name: 'viewer', token: 'the-token-of-viewers', readOnly: true },
        { name: 'ops', tokenFile: file('ops') },
      ],
    })
    expect(tokens.find('the-token-of-viewers')).toMatchObject({ name: 'viewer', readOnly: true })
    expect(tokens.find('the-token-of-the-operators')).toMatchObject({ name: 'ops', readOnly: false })
    for (const wrong of ['', 'the-token-of-viewer', 'the-token-of-viewersX']) expect(tokens.find(wrong)).toBeUndefined()
  })

  const token = 'the-token-of-viewers'
  it.each([
    [{ tokenFile: null }, 'no token'],
    [{ tokens: [{ name: 'a', token: 'short' }] }, '16'],
    [{ tokens: [{ name: 'a', token: 'words with spaces between' }] }, 'has a space'],
    [{ tokens: [{ name: 'a' }] }, 'either token or tokenFile'],
    [{ tokens: [{ name: 'a', token, tokenFile: 'x' }] }, 'either token or tokenFile'],
    [{ tokens: [{ name: 'admin', token }] }, 'used twice'],
    [{ tokens: [{ name: 'a b', token }] }, ''],
  ])('%j is refused', (config, message) => {
    const { error } = admin.config.safeParse(config)
    expect(error?.issues[0]?.message).toContain(message)
  })
})
